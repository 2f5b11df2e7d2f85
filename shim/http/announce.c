/* SPDX-License-Identifier: MIT */
#include "http/announce.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/interpose.h"
#include "http/exchange.h"
#include "http/follow.h"
#include "http/http1.h"
#include "kernel/caller_memory.h"
#include "signal/restart.h"

/* A longer list, or more bytes, go out in several writes. The bytes are read here before the kernel
 * reads them, so each page must be asked for. */
#define PARTS 64
#define WINDOW (1u << 20)

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
static ssize_t send_edited(int fd, const struct iovec *iov, int count, struct edits *edits,
                           int flags)
{
	struct iovec parts[PARTS + 2 * MOST_EDITS];

	for (;;) {
		const int made = edits_apply(iov, count, edits, parts, PARTS + 2 * MOST_EDITS);
		const ssize_t sent = send_parts(fd, parts, made, flags);
		size_t own;

		if (sent <= 0)
			return sent;
		own = follow_wrote(fd, iov, count, edits, (size_t)sent);
		exchange_sent_own(fd, (size_t)sent - own);
		if (own > 0)
			return (ssize_t)own;
		follow_plan(fd, iov, count, true, edits);
	}
}

/* The next PARTS of a list, from its byte FROM on. Returns how many there are, or -1 if one of them
 * cannot be read; sets *ret_is_all if nothing follows. */
static int window_of(const struct iovec *iov, int count, size_t from, struct iovec *ret_parts,
                     bool *ret_is_all)
{
	size_t room = WINDOW;
	int made = 0, at = 0;

	*ret_is_all = true;
	for (; at < count && made < PARTS && room > 0; at++) {
		struct iovec part = caller_memory_part(&iov[at]);
		const size_t skipped = from < part.iov_len ? from : part.iov_len;

		from -= skipped;
		part.iov_base = (char *)part.iov_base + skipped;
		part.iov_len -= skipped;
		if (part.iov_len > room) {
			part.iov_len = room;
			*ret_is_all = false;
		}
		if (!caller_memory_is_readable(part.iov_base, part.iov_len))
			return -1;
		room -= part.iov_len;
		if (part.iov_len > 0)
			ret_parts[made++] = part;
	}
	*ret_is_all = *ret_is_all && at == count;
	return made;
}

static bool blocks(int fd, int flags)
{
	return !(flags & MSG_DONTWAIT) && !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static size_t length_of(const struct iovec *parts, int count)
{
	size_t length = 0;

	for (int i = 0; i < count; i++)
		length += parts[i].iov_len;
	return length;
}

/* A blocking write sends all the server's bytes; a non-blocking one sends what there is room
 * for. */
static ssize_t send_windows(int fd, const struct iovec *iov, int count, int flags)
{
	struct iovec parts[PARTS];
	struct edits edits = {0};
	ssize_t total = 0;

	for (;;) {
		bool is_all;
		const int made = window_of(iov, count, (size_t)total, parts, &is_all);
		ssize_t sent;

		if (made <= 0)
			return total;
		follow_plan(fd, parts, made, false, &edits);
		sent = send_edited(fd, parts, made, &edits, flags);
		if (sent <= 0)
			return total > 0 ? total : sent;
		total += sent;
		if (is_all && edits.count == 0)
			return total;
		if ((is_all || (size_t)sent < length_of(parts, made)) && !blocks(fd, flags))
			return total;
	}
}

/* As far as the first PARTS and WINDOW, send_windows() sees it in time for the kernel to decide. */
static bool is_readable(const struct iovec *iov, int count)
{
	size_t length = 0;

	if (!caller_memory_is_readable(iov, (size_t)count * sizeof(*iov)))
		return false;
	for (int i = 0; count > PARTS && i < count && length < WINDOW; i++) {
		const struct iovec part = caller_memory_part(&iov[i]);

		if (part.iov_len < WINDOW &&
		    !caller_memory_is_readable(part.iov_base, part.iov_len))
			return false;
		length += part.iov_len;
	}
	return true;
}

bool announce_send(int fd, const struct iovec *iov, int count, int flags, ssize_t *ret_sent)
{
	if (count <= 0 || count > UIO_MAXIOV || !is_readable(iov, count))
		return false;
	*ret_sent = send_windows(fd, iov, count, flags);
	return *ret_sent != 0;
}

/* Copies everything into one piece, and advances the state as if it were out. Returns false without
 * memory. */
static bool compose(int fd, struct follow_pending *ret_pending, const struct iovec *own,
                    const struct edits *edits)
{
	struct iovec parts[1 + 2 * MOST_EDITS];
	const int made = edits_apply(own, 1, edits, parts, 1 + 2 * MOST_EDITS);
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
	struct edits edits = {0};
	int sent;

	if (pending && pending->bytes)
		return send_pending(pending, put, context);
	if (pending && !pending->is_the_servers && caller_memory_is_readable(bytes, own.iov_len))
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
