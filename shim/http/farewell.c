/* SPDX-License-Identifier: MIT */
#include "http/farewell.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/interpose.h"
#include "base/settings.h"
#include "http/replay.h"
#include "http/traffic.h"
#include "signal/restart.h"

/* A longer list goes out in several writes. */
#define PARTS 64

/* Attempts at once, and then 0.1 ms apart. */
#define SPINS 100
#define PATIENCE 200

/* What a TLS library has not taken yet: it wants to be asked again with the same bytes. */
struct pending {
	char *bytes; /* a mapping of its own, or NULL */
	int length;
	int done;
	int own_size;        /* so many of the server's bytes are in it */
	bool is_the_servers; /* not edited: the bytes are where the server has them */
};

struct followed {
	struct http1 http;
	struct pending pending;
	uint32_t changes; /* of the record that it began with */
	_Atomic bool is_followed;
	_Atomic bool has_missed; /* bytes went by unseen */
	_Atomic bool is_in_use;  /* for as long as it takes to look at some bytes */
};

_Atomic bool farewell_is_on;

/* By descriptor. Written by the controller before it is on. */
static struct followed *followed;
static int most;

void farewell_begin(void)
{
	void *memory;

	if (!settings.http_close || farewell_has_begun())
		return;
	most = atomic_load(&traffic.count);
	memory = mmap(NULL, (size_t)most * sizeof(*followed), PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (most == 0 || memory == MAP_FAILED)
		return;
	followed = memory;
	atomic_store(&farewell_is_on, true);
}

static struct followed *followed_of(int fd)
{
	struct followed *it;

	if (!farewell_has_begun() || (unsigned)fd >= (unsigned)most)
		return NULL;
	it = &followed[fd];
	return atomic_load(&it->is_followed) ? it : NULL;
}

/* As if it had been followed all along, where the record tells enough; else from the next request on. */
static void begin_anew(struct followed *it, int fd)
{
	const struct traffic_entry *entry = traffic_of(fd);
	struct traffic_record record;
	bool is_known = traffic_recall(fd, &record, &it->changes);

	if (is_known && replay(&record, &it->http) == HTTP_UNKNOWN)
		is_known = record.side == TRAFFIC_NOTHING;
	if (!is_known || !http1_is_followed(&it->http))
		http1_join_late(&it->http);
	if (entry && traffic_last_move(entry) == MOVE_TUNNELED)
		http1_give_up(&it->http);
}

/* Something went by unseen; it is in the record, though. Only an edit that is partly out cannot be found there. */
static void catch_up(struct followed *it)
{
	if (it->http.edit_out)
		http1_give_up(&it->http);
	else
		begin_anew(it, (int)(it - followed));
}

/* Two threads may be busy with one connection, one that reads and one that writes, and whoever is inside may
 * have lost the processor there. Gives up in the end: a handler may have interrupted the very thread. */
static bool take(struct followed *it)
{
	const struct timespec moment = {0, 100000};

	for (int i = 0; i < SPINS + PATIENCE; i++) {
		if (!atomic_exchange(&it->is_in_use, true)) {
			if (atomic_exchange(&it->has_missed, false))
				catch_up(it);
			return true;
		}
		if (i >= SPINS)
			(void)libc_calls.nanosleep(&moment, NULL);
	}
	atomic_store(&it->has_missed, true);
	return false;
}

static void give_back(struct followed *it)
{
	atomic_store_explicit(&it->is_in_use, false, memory_order_release);
}

void farewell_follow(int fd)
{
	struct followed *it;

	if (!farewell_has_begun() || (unsigned)fd >= (unsigned)most)
		return;
	it = &followed[fd];
	if (atomic_load(&it->is_followed) || !take(it))
		return;
	atomic_store(&it->is_followed, true);
	begin_anew(it, fd);
	give_back(it);
}

void farewell_forget(int fd)
{
	struct followed *it = followed_of(fd);

	if (!it)
		return;
	atomic_store(&it->is_followed, false);
	if (it->pending.bytes)
		(void)munmap(it->pending.bytes, (size_t)it->pending.length);
	it->pending = (struct pending){0};
	atomic_store(&it->has_missed, false);
}

static enum http_stand stand_of(const struct http1 *http)
{
	if (http1_is_told(http))
		return HTTP_TOLD;
	return http1_is_idle(http) ? HTTP_BETWEEN : HTTP_UNDER_WAY;
}

/* What the record tells of a connection that is not followed. */
static enum http_stand recalled_stand(int fd)
{
	struct traffic_record record;
	uint32_t changes;
	struct http1 http;

	return traffic_recall(fd, &record, &changes) ? replay(&record, &http) : HTTP_UNKNOWN;
}

enum http_stand farewell_stand(int fd)
{
	struct followed *it = followed_of(fd);
	enum http_stand stand = HTTP_UNKNOWN;

	/* At the next look, then. */
	if (it && atomic_exchange(&it->is_in_use, true))
		return HTTP_UNDER_WAY;
	if (it && http1_is_followed(&it->http) && !atomic_load(&it->has_missed))
		stand = stand_of(&it->http);
	if (it)
		give_back(it);
	return stand == HTTP_UNKNOWN ? recalled_stand(fd) : stand;
}

bool farewell_follows(int fd, bool in_tls)
{
	const struct traffic_entry *entry = traffic_of(fd);

	return followed_of(fd) && entry && atomic_load(&entry->is_tls) == in_tls;
}

void farewell_begin_anew(int fd)
{
	struct followed *it = followed_of(fd);

	if (!it || !take(it))
		return;
	begin_anew(it, fd);
	give_back(it);
}

/* It may be the read with which the record ended when the connection was begun to be followed. */
void farewell_received(int fd, const struct iovec *iov, int count, size_t n)
{
	const struct traffic_entry *entry = traffic_of(fd);
	struct followed *it = followed_of(fd);

	if (!it || !entry || !take(it))
		return;
	if (atomic_load(&entry->changes) != it->changes || it->changes == 0)
		http1_read(&it->http, iov, count, n);
	give_back(it);
}

void farewell_sent_file(int fd, uint64_t n)
{
	struct followed *it = followed_of(fd);

	if (!it || !take(it))
		return;
	http1_sent(&it->http, n);
	give_back(it);
}

/* Unread bytes may be the next request: then this response is not the last. */
static bool has_unread(int fd)
{
	int unread = 0;

	return ioctl(fd, SIOCINQ, &unread) != 0 || unread > 0;
}

/* HAS_MORE: somebody else holds bytes that the server has not read. */
static void plan(struct followed *it, int fd, const struct iovec *iov, int count, bool has_more,
                 struct http1_edits *ret_edits)
{
	ret_edits->count = 0;
	if (!take(it))
		return;
	http1_plan(&it->http, iov, count, !has_more, ret_edits);
	if (ret_edits->count > 0 && has_unread(fd))
		http1_plan(&it->http, iov, count, false, ret_edits);
	give_back(it);
}

/* Returns how many of the TAKEN bytes are the server's. */
static size_t wrote(struct followed *it, const struct iovec *iov, int count,
                    const struct http1_edits *edits, size_t taken)
{
	struct http1 unlocked;
	size_t own;

	if (take(it)) {
		own = http1_wrote(&it->http, iov, count, edits, taken);
		give_back(it);
		return own;
	}
	memset(&unlocked, 0, sizeof(unlocked));
	return http1_wrote(&unlocked, iov, count, edits, taken);
}

static ssize_t send_parts(int fd, struct iovec *parts, int count, int flags)
{
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
	ssize_t result;

	do
		result = libc_calls.sendmsg(fd, &message, flags);
	while (result < 0 && restart_is_due());
	return result;
}

/* Once, and again as long as only bytes went out that are not the server's. */
static ssize_t send_edited(struct followed *it, int fd, const struct iovec *iov, int count,
                           struct http1_edits *edits, int flags)
{
	struct iovec parts[PARTS + 2 * HTTP1_EDITS];

	for (;;) {
		const int made = http1_apply(iov, count, edits, parts, PARTS + 2 * HTTP1_EDITS);
		const ssize_t sent = send_parts(fd, parts, made, flags);
		size_t own;

		if (sent <= 0)
			return sent;
		own = wrote(it, iov, count, edits, (size_t)sent);
		if (own > 0)
			return (ssize_t)own;
		plan(it, fd, iov, count, true, edits);
	}
}

/* The next PARTS of a list, from its byte FROM on. Returns how many; *ret_is_all if nothing follows. */
static int window_of(const struct iovec *iov, int count, size_t from, struct iovec *ret_parts,
                     bool *ret_is_all)
{
	int made = 0, at = 0;

	for (; at < count && made < PARTS; at++) {
		const size_t skipped = from < iov[at].iov_len ? from : iov[at].iov_len;

		from -= skipped;
		if (skipped == iov[at].iov_len)
			continue;
		ret_parts[made++] = (struct iovec){(char *)iov[at].iov_base + skipped,
		                                   iov[at].iov_len - skipped};
	}
	*ret_is_all = at == count;
	return made;
}

static bool blocks(int fd, int flags)
{
	return !(flags & MSG_DONTWAIT) && !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* A write that blocks takes all that the server has; one that does not, what there is room for. */
ssize_t farewell_send(int fd, const struct iovec *iov, int count, int flags)
{
	struct followed *it = followed_of(fd);
	struct iovec parts[PARTS];
	struct http1_edits edits = {0};
	ssize_t total = 0;

	for (;;) {
		bool is_all;
		const int made = window_of(iov, count, (size_t)total, parts, &is_all);
		ssize_t sent;

		if (made == 0 && total > 0)
			return total;
		if (it)
			plan(it, fd, parts, made, false, &edits);
		sent = it ? send_edited(it, fd, parts, made, &edits, flags)
		          : send_parts(fd, parts, made, flags);
		if (sent <= 0)
			return total > 0 ? total : sent;
		total += sent;
		if ((is_all && edits.count == 0) || !blocks(fd, flags))
			return total;
	}
}

/* Everything in one piece; the state goes on as if it were out. Returns whether there was memory. */
static bool compose(struct followed *it, const struct iovec *own, const struct http1_edits *edits)
{
	struct iovec parts[1 + 2 * HTTP1_EDITS];
	const int made = http1_apply(own, 1, edits, parts, 1 + 2 * HTTP1_EDITS);
	struct pending pending = {.own_size = (int)own->iov_len};
	char *at;

	for (int i = 0; i < made; i++)
		pending.length += (int)parts[i].iov_len;
	at = mmap(NULL, (size_t)pending.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	          -1, 0);
	if (at == MAP_FAILED)
		return false;
	pending.bytes = at;
	for (int i = 0; i < made; i++) {
		memcpy(at, parts[i].iov_base, parts[i].iov_len);
		at += parts[i].iov_len;
	}
	it->pending = pending;
	(void)wrote(it, own, 1, edits, (size_t)pending.length);
	return true;
}

static int send_pending(struct pending *pending, farewell_write *write, void *context)
{
	const int own_size = pending->own_size;

	while (pending->done < pending->length) {
		const int sent = write(context, pending->bytes + pending->done,
		                       pending->length - pending->done);

		if (sent <= 0)
			return sent;
		pending->done += sent;
	}
	(void)munmap(pending->bytes, (size_t)pending->length);
	*pending = (struct pending){0};
	return own_size;
}

int farewell_send_tls(int fd, const void *bytes, int size, bool has_more, farewell_write *write,
                      void *context)
{
	const struct iovec own = {(void *)bytes, (size_t)size};
	struct followed *it = followed_of(fd);
	struct http1_edits edits = {0};
	int sent;

	if (it && it->pending.bytes)
		return send_pending(&it->pending, write, context);
	if (it && !it->pending.is_the_servers)
		plan(it, fd, &own, 1, has_more, &edits);
	if (edits.count > 0 && compose(it, &own, &edits))
		return send_pending(&it->pending, write, context);
	sent = write(context, bytes, size);
	if (it)
		it->pending.is_the_servers = sent <= 0;
	if (it && sent > 0)
		(void)wrote(it, &own, 1, NULL, (size_t)sent);
	return sent;
}
