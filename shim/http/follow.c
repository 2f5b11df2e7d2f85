/* SPDX-License-Identifier: MIT */
/* Over 300 lines: each way in which bytes of a followed connection go by, under its lock. */
#include "http/follow.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/brief_lock.h"
#include "base/interpose.h"
#include "base/settings.h"
#include "http/exchange.h"
#include "http/goaway.h"
#include "http/http1_record.h"
#include "http/http2_record.h"
#include "http/record_check.h"
#include "kernel/socket_identity.h"

/* One connection. */
struct followed {
	struct http1 http;
	struct goaway goaway;
	struct follow_pending pending;
	uint32_t changes;        /* version of the record that it began with */
	_Atomic uint64_t socket; /* by socket_identity() */
	_Atomic bool is_followed;
	_Atomic int writers;      /* threads that write to it */
	bool was_asked;           /* the controller's: follow_say_goaway() */
	_Atomic bool has_unshown; /* bytes of a write are out that the record does not show yet */
	_Atomic bool is_behind;   /* this is from a record that did not show some */
	brief_lock lock; /* held while a thread reads some bytes; who misses it misses some */
};

_Atomic bool follow_is_on;

/* By descriptor. The controller writes it before it sets follow_is_on. */
static struct followed *followed;
static int most;

void follow_begin(void)
{
	void *memory;

	if (!settings.http_close || follow_has_begun())
		return;
	most = exchanges.most;
	memory = mmap(NULL, (size_t)most * sizeof(*followed), PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (most == 0 || memory == MAP_FAILED)
		return;
	followed = memory;
	atomic_store(&follow_is_on, true);
}

static struct followed *followed_of(int fd)
{
	struct followed *it;

	if (!follow_has_begun() || (unsigned)fd >= (unsigned)most)
		return NULL;
	it = &followed[fd];
	return atomic_load(&it->is_followed) ? it : NULL;
}

/* Continues from the record, which begins where the connection does. A tunnel, and what is not
 * HTTP or not known, is given up. */
static void begin_anew(struct followed *it, int fd)
{
	const struct exchange *entry = exchange_of(fd);
	struct exchange_record record;

	it->goaway.is_on = false;
	http1_give_up(&it->http);
	if (!exchange_recall(fd, &record, &it->changes))
		atomic_fetch_or(&it->lock, BRIEF_LOCK_MISSED);
	else if (record.form == EXCHANGE_FRAMES)
		goaway_begin(&it->goaway, &record.http2);
	else
		(void)http1_record_read(&record, &it->http);
	if (entry && exchange_last_io(entry) == IO_TUNNELED)
		http1_give_up(&it->http);
}

/* Bytes went by that nobody read, but they are in the record. The record cannot show an edit that
 * is partly out, and shows a write only when it is over. */
static void catch_up(struct followed *it)
{
	it->is_behind = it->has_unshown;
	if (it->http.edit_out)
		http1_give_up(&it->http);
	else if (it->goaway.partly)
		it->goaway.is_on = false;
	else
		begin_anew(it, (int)(it - followed));
}

/* Under the lock. */
static void learn_missed(struct followed *it)
{
	if (brief_lock_forgive(&it->lock))
		catch_up(it);
}

/* One thread may read from a connection while another writes to it. */
static bool take(struct followed *it)
{
	if (!brief_lock_take(&it->lock))
		return false;
	learn_missed(it);
	return true;
}

static void give_back(struct followed *it)
{
	brief_lock_give_back(&it->lock);
}

void follow_forget(int fd)
{
	struct followed *it = followed_of(fd);

	if (!it)
		return;
	atomic_store(&it->is_followed, false);
	if (it->pending.bytes)
		(void)munmap(it->pending.bytes, (size_t)it->pending.length);
	it->pending = (struct follow_pending){0};
	it->goaway = (struct goaway){0};
	it->was_asked = false;
	atomic_store(&it->has_unshown, false);
	atomic_store(&it->is_behind, false);
	atomic_store(&it->writers, 0);
	(void)brief_lock_forgive(&it->lock);
}

void follow_connection(int fd, uint64_t socket)
{
	struct followed *it;

	if (!follow_has_begun() || (unsigned)fd >= (unsigned)most)
		return;
	it = &followed[fd];
	if (atomic_load(&it->is_followed) && atomic_load(&it->socket) == socket)
		return;
	follow_forget(fd);
	if (!take(it))
		return;
	atomic_store(&it->socket, socket);
	atomic_store(&it->is_followed, true);
	begin_anew(it, fd);
	give_back(it);
}

/* The state by the record alone, for a connection that is not followed. */
static enum http_state recalled_state(int fd)
{
	struct exchange_record record;
	uint32_t changes;
	struct http1 http;

	if (!exchange_recall(fd, &record, &changes))
		return HTTP_UNKNOWN;
	return record.form == EXCHANGE_FRAMES ? http2_record_state(&record)
	                                      : http1_record_read(&record, &http);
}

enum http_state follow_state(int fd, uint64_t socket)
{
	struct followed *it = followed_of(fd);
	enum http_state state = HTTP_UNKNOWN;

	if (it && atomic_load(&it->socket) != socket)
		it = NULL;
	/* Another thread has the lock: the next scan asks again. */
	if (it && !brief_lock_try(&it->lock))
		return HTTP_UNDER_WAY;
	if (it && it->goaway.partly)
		state = HTTP_UNDER_WAY;
	else if (it && !brief_lock_has_missed(&it->lock))
		state = http1_state(&it->http);
	if (it)
		give_back(it);
	return state == HTTP_UNKNOWN || state == HTTP_LOST ? recalled_state(fd) : state;
}

bool follow_follows(int fd, bool in_tls)
{
	const struct exchange *entry = exchange_of(fd);
	struct followed *it = followed_of(fd);

	return it && entry && atomic_load(&entry->is_tls) == in_tls &&
	       socket_identity(fd) == atomic_load(&it->socket);
}

void follow_again(int fd)
{
	struct followed *it = followed_of(fd);

	if (!it || !take(it))
		return;
	catch_up(it);
	give_back(it);
}

/* What ceases to look like HTTP/1.x may be HTTP/2, which the record shows. */
static void read_http1(struct followed *it, int fd, const struct iovec *iov, int count, size_t n)
{
	const bool was_given_up = http1_is_given_up(&it->http);

	http1_read(&it->http, iov, count, n);
	if (http1_is_given_up(&it->http) && !was_given_up)
		begin_anew(it, fd);
}

static size_t wrote_http1(struct followed *it, const struct iovec *iov, int count,
                          const struct edits *edits, size_t taken)
{
	const bool was_given_up = http1_is_given_up(&it->http);
	const size_t own = http1_wrote(&it->http, iov, count, edits, taken);

	it->is_behind = it->is_behind || http1_is_given_up(&it->http) != was_given_up;
	return own;
}

/* If the record has not changed since, this is the read that it ended with, and HTTP knows it
 * already. */
void follow_received(int fd, const struct iovec *iov, int count, size_t n)
{
	const struct exchange *entry = exchange_of(fd);
	struct followed *it = followed_of(fd);

	if (!it || !entry || !take(it))
		return;
	if (!it->goaway.is_on && (atomic_load(&entry->changes) != it->changes || it->changes == 0))
		read_http1(it, fd, iov, count, n);
	give_back(it);
}

void follow_sent_file(int fd, uint64_t n)
{
	struct followed *it = followed_of(fd);

	if (!it || !take(it))
		return;
	if (it->goaway.is_on)
		goaway_sent_unseen(&it->goaway, n);
	else
		http1_sent(&it->http, n);
	give_back(it);
}

struct follow_pending *follow_pending(int fd)
{
	struct followed *it = followed_of(fd);

	return it ? &it->pending : NULL;
}

/* Unread bytes may be the next request; then this response is not the last. */
static bool has_unread(int fd)
{
	int unread = 0;

	return ioctl(fd, SIOCINQ, &unread) != 0 || unread > 0;
}

/* The last look before the server's bytes change: what it has read and written since is known to the
 * byte, else this need not be the beginning of a response, or of a frame. */
static bool is_known(int fd)
{
	const struct exchange *entry = exchange_of(fd);
	const int saved = errno;
	const bool is = entry && record_check(fd, entry) == RECORD_WHOLE;

	errno = saved;
	return is;
}

/* HAS_MORE: a TLS library holds bytes that the server has not read. */
static bool may_edit(int fd, bool is_http2, bool has_more)
{
	return is_http2 ? is_known(fd) : !has_more && !has_unread(fd) && is_known(fd);
}

static void plan(const struct followed *it, const struct iovec *iov, int count, bool may_begin,
                 struct edits *ret_edits)
{
	if (it->goaway.is_on)
		goaway_plan(&it->goaway, iov, count, may_begin, ret_edits);
	else
		http1_plan(&it->http, iov, count, may_begin, ret_edits);
}

void follow_plan(int fd, const struct iovec *iov, int count, bool has_more, struct edits *ret_edits)
{
	struct followed *it = followed_of(fd);

	ret_edits->count = 0;
	if (!it || !take(it))
		return;
	plan(it, iov, count, !it->is_behind, ret_edits);
	if (ret_edits->count > 0 && !may_edit(fd, it->goaway.is_on, has_more))
		plan(it, iov, count, false, ret_edits);
	give_back(it);
}

size_t follow_wrote(int fd, const struct iovec *iov, int count, const struct edits *edits,
                    size_t taken)
{
	struct followed *it = followed_of(fd);
	size_t own;

	if (!it || !take(it))
		return taken - edits_taken(edits, taken).added;
	it->has_unshown = true;
	own = it->goaway.is_on ? goaway_wrote(&it->goaway, iov, count, edits, taken)
	                       : wrote_http1(it, iov, count, edits, taken);
	give_back(it);
	return own;
}

void follow_write_begins(int fd)
{
	struct followed *it = followed_of(fd);

	if (it)
		atomic_fetch_add(&it->writers, 1);
}

/* Another connection may have the number by now. */
void follow_write_ends(int fd)
{
	struct followed *it = followed_of(fd);

	if (!it)
		return;
	if (atomic_load(&it->writers) > 0 && atomic_fetch_sub(&it->writers, 1) > 1)
		return;
	it->has_unshown = false;
	if (it->is_behind)
		atomic_fetch_or(&it->lock, BRIEF_LOCK_MISSED);
}

/* The server's bytes go out under a writer's mark, so there is no write in whose middle this could come; but for one
 * that began before the connection was followed, which is over when this is asked again. */
static void say(struct followed *it, int fd)
{
	const struct iovec rest = goaway_rest(&it->goaway);
	ssize_t sent;

	if (rest.iov_len == 0 || atomic_load(&it->writers) > 0 || it->is_behind || !it->was_asked ||
	    !is_known(fd))
		return;
	sent = libc_calls.send(fd, rest.iov_base, rest.iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent <= 0)
		return;
	goaway_has_said(&it->goaway, (size_t)sent);
	exchange_sent_own(fd, (size_t)sent);
}

void follow_say_goaway(int fd, uint64_t socket)
{
	const struct exchange *entry = exchange_of(fd);
	struct followed *it = followed_of(fd);

	if (!it || atomic_load(&it->socket) != socket || !entry || atomic_load(&entry->is_tls) ||
	    !brief_lock_try(&it->lock))
		return;
	learn_missed(it);
	say(it, fd);
	it->was_asked = true;
	give_back(it);
}
