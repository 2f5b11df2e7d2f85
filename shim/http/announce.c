/* SPDX-License-Identifier: MIT */
#include "http/announce.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/interpose.h"
#include "http/follow.h"
#include "http/http1.h"
#include "signal/restart.h"

/* A longer list goes out in several writes. */
#define PARTS 64

static ssize_t send_parts(int fd, struct iovec *parts, int count, int flags)
{
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
	ssize_t result;

	do
		result = libc_calls.sendmsg(fd, &message, flags);
	while (result < 0 && restart_is_due());
	return result;
}

/* Repeats the write while only bytes of the edits went out. */
static ssize_t send_edited(int fd, const struct iovec *iov, int count, struct http1_edits *edits,
                           int flags)
{
	struct iovec parts[PARTS + 2 * HTTP1_EDITS];

	for (;;) {
		const int made = http1_apply(iov, count, edits, parts, PARTS + 2 * HTTP1_EDITS);
		const ssize_t sent = send_parts(fd, parts, made, flags);
		size_t own;

		if (sent <= 0)
			return sent;
		own = follow_wrote(fd, iov, count, edits, (size_t)sent);
		if (own > 0)
			return (ssize_t)own;
		follow_plan(fd, iov, count, true, edits);
	}
}

/* The next PARTS of a list, from its byte FROM on. Returns how many there are; sets *ret_is_all if
 * nothing follows. */
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

/* A blocking write sends all the server's bytes; a non-blocking one sends what there is room
 * for. */
ssize_t announce_send(int fd, const struct iovec *iov, int count, int flags)
{
	struct iovec parts[PARTS];
	struct http1_edits edits = {0};
	ssize_t total = 0;

	for (;;) {
		bool is_all;
		const int made = window_of(iov, count, (size_t)total, parts, &is_all);
		ssize_t sent;

		if (made == 0 && total > 0)
			return total;
		follow_plan(fd, parts, made, false, &edits);
		sent = send_edited(fd, parts, made, &edits, flags);
		if (sent <= 0)
			return total > 0 ? total : sent;
		total += sent;
		if ((is_all && edits.count == 0) || !blocks(fd, flags))
			return total;
	}
}

/* Copies everything into one piece, and advances the state as if it were out. Returns false without
 * memory. */
static bool compose(int fd, struct follow_pending *ret_pending, const struct iovec *own,
                    const struct http1_edits *edits)
{
	struct iovec parts[1 + 2 * HTTP1_EDITS];
	const int made = http1_apply(own, 1, edits, parts, 1 + 2 * HTTP1_EDITS);
	struct follow_pending pending = {.own_size = (int)own->iov_len};
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
	*ret_pending = pending;
	(void)follow_wrote(fd, own, 1, edits, (size_t)pending.length);
	return true;
}

static int send_pending(struct follow_pending *pending, announce_put *put, void *context)
{
	const int own_size = pending->own_size;

	while (pending->done < pending->length) {
		const int sent = put(context, pending->bytes + pending->done,
		                     pending->length - pending->done);

		if (sent <= 0)
			return sent;
		pending->done += sent;
	}
	(void)munmap(pending->bytes, (size_t)pending->length);
	*pending = (struct follow_pending){0};
	return own_size;
}

int announce_send_tls(int fd, const void *bytes, int size, bool has_more, announce_put *put,
                      void *context)
{
	const struct iovec own = {(void *)bytes, (size_t)size};
	struct follow_pending *pending = follow_pending(fd);
	struct http1_edits edits = {0};
	int sent;

	if (pending && pending->bytes)
		return send_pending(pending, put, context);
	if (pending && !pending->is_the_servers)
		follow_plan(fd, &own, 1, has_more, &edits);
	if (edits.count > 0 && compose(fd, pending, &own, &edits))
		return send_pending(pending, put, context);
	sent = put(context, bytes, size);
	if (pending)
		pending->is_the_servers = sent <= 0;
	if (pending && sent > 0)
		(void)follow_wrote(fd, &own, 1, NULL, (size_t)sent);
	return sent;
}
