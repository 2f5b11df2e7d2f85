/* SPDX-License-Identifier: MIT */
/* read, write and their like: what they move is noted for the drain, and while it lasts, shown to
 * farewell.c. On a socket with a time limit (SO_RCVTIMEO, SO_SNDTIMEO) none of them is restarted after a
 * handler (signal(7)), and a server without handlers of its own need not know EINTR: it would give the
 * connection up. Such a call begins again, with its whole limit. */
#include "base/interpose.h"

#include <stdbool.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "control/waiting.h"
#include "http/farewell.h"
#include "http/tls.h"
#include "http/traffic.h"
#include "signal/restart.h"

/* Nothing was moved: what was moved before a signal is returned as a number (signal(7)). */
#define UNDISTURBED(result, call)  \
	do                         \
		(result) = (call); \
	while (UNLIKELY((result) < 0) && restart_is_due())

static bool is_followed(int fd)
{
	return farewell_has_begun() && farewell_follows(fd, false);
}

static void about_to_read(int fd)
{
	if (waiting_is_watched())
		waiting_on_connection(fd);
}

static ssize_t received_list(int fd, const struct iovec *parts, int count, ssize_t result)
{
	if (result > 0)
		traffic_received(fd, parts, count, (size_t)result);
	if (result > 0 && is_followed(fd))
		farewell_received(fd, parts, count, (size_t)result);
	if (UNLIKELY(result == 0))
		tls_reading_ended(fd);
	return result;
}

static ssize_t received(int fd, void *buffer, size_t size, ssize_t result)
{
	return received_list(fd, &(struct iovec){buffer, size}, 1, result);
}

static ssize_t sent_list(int fd, const struct iovec *parts, int count, ssize_t result)
{
	if (result > 0)
		traffic_sent(fd, parts, count, (size_t)result);
	return result;
}

/* The same for a connection that was not followed when the write began. */
static ssize_t sent_unseen(int fd, const struct iovec *parts, int count, ssize_t result)
{
	(void)sent_list(fd, parts, count, result);
	if (is_followed(fd))
		farewell_begin_anew(fd);
	return result;
}

static ssize_t sent_file(int fd, ssize_t result)
{
	if (result <= 0)
		return result;
	traffic_sent_file(fd, (uint64_t)result);
	if (is_followed(fd))
		farewell_sent_file(fd, (uint64_t)result);
	return result;
}

EXPORT ssize_t read(int fd, void *buffer, size_t size)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.read(fd, buffer, size));
	return received(fd, buffer, size, result);
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.readv(fd, parts, count));
	return received_list(fd, parts, count, result);
}

EXPORT ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.recv(fd, buffer, size, flags));
	return flags & MSG_PEEK ? result : received(fd, buffer, size, result);
}

EXPORT ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
                        socklen_t *length)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.recvfrom(fd, buffer, size, flags, address, length));
	return flags & MSG_PEEK ? result : received(fd, buffer, size, result);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.recvmsg(fd, message, flags));
	return flags & MSG_PEEK
	               ? result
	               : received_list(fd, message->msg_iov, (int)message->msg_iovlen, result);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t size)
{
	const struct iovec part = {(void *)bytes, size};
	ssize_t result;

	if (is_followed(fd))
		return sent_list(fd, &part, 1, farewell_send(fd, &part, 1, 0));
	UNDISTURBED(result, libc_calls.write(fd, bytes, size));
	return sent_unseen(fd, &part, 1, result);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
	ssize_t result;

	if (is_followed(fd))
		return sent_list(fd, parts, count, farewell_send(fd, parts, count, 0));
	UNDISTURBED(result, libc_calls.writev(fd, parts, count));
	return sent_unseen(fd, parts, count, result);
}

EXPORT ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	const struct iovec part = {(void *)bytes, size};
	ssize_t result;

	if (is_followed(fd))
		return sent_list(fd, &part, 1, farewell_send(fd, &part, 1, flags));
	UNDISTURBED(result, libc_calls.send(fd, bytes, size, flags));
	return sent_unseen(fd, &part, 1, result);
}

/* A connection has one peer: an address is none of what a stream server gives. */
EXPORT ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
                      const struct sockaddr *address, socklen_t length)
{
	const struct iovec part = {(void *)bytes, size};
	ssize_t result;

	if (!address && is_followed(fd))
		return sent_list(fd, &part, 1, farewell_send(fd, &part, 1, flags));
	UNDISTURBED(result, libc_calls.sendto(fd, bytes, size, flags, address, length));
	return sent_unseen(fd, &part, 1, result);
}

/* What goes with the bytes (descriptors, say) would have to go with the right ones. */
static bool is_plain(const struct msghdr *message)
{
	return !message->msg_name && message->msg_controllen == 0;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	const struct iovec *parts = message->msg_iov;
	const int count = (int)message->msg_iovlen;
	ssize_t result;

	if (is_followed(fd) && is_plain(message))
		return sent_list(fd, parts, count, farewell_send(fd, parts, count, flags));
	UNDISTURBED(result, libc_calls.sendmsg(fd, message, flags));
	return sent_unseen(fd, parts, count, result);
}

/* One after another, as the kernel does it: an error after the first is told by the next call. */
static int send_each(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	for (unsigned i = 0; i < count; i++) {
		const ssize_t result = sendmsg(fd, &messages[i].msg_hdr, flags);

		if (result < 0)
			return i > 0 ? (int)i : -1;
		messages[i].msg_len = (unsigned)result;
	}
	return (int)count;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, sendmmsg_flags flags)
{
	int result;

	if (is_followed(fd))
		return send_each(fd, messages, count, (int)flags);
	UNDISTURBED(result, libc_calls.sendmmsg(fd, messages, count, flags));
	for (int i = 0; i < result; i++)
		(void)sent_unseen(fd, messages[i].msg_hdr.msg_iov,
		                  (int)messages[i].msg_hdr.msg_iovlen, messages[i].msg_len);
	return result;
}

EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.sendfile(to, from, offset, size));
	return sent_file(to, result);
}

EXPORT ssize_t splice(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size,
                      unsigned flags)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.splice(from, from_offset, to, to_offset, size, flags));
	/* Nobody has seen these bytes: they are no request that could be read again. */
	if (result > 0)
		traffic_received(from, &(struct iovec){"?", 1}, 1, 1);
	if (result > 0 && is_followed(from))
		farewell_forget(from);
	return sent_file(to, result);
}

#ifdef __GLIBC__
/* On the machines that we know, off_t and off64_t are the same. */
EXPORT ssize_t sendfile64(int to, int from, off64_t *offset, size_t size)
{
	ssize_t result;

	libc_calls_ensure();
	UNDISTURBED(result, libc_calls.sendfile64(to, from, offset, size));
	return sent_file(to, result);
}

/* What fortified programs call. The check is libc's: with too small a buffer it ends the program. */

EXPORT ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room)
{
	libc_calls_ensure();
	if (UNLIKELY(size > room))
		return libc_calls.__read_chk(fd, buffer, size, room);
	return read(fd, buffer, size);
}

EXPORT ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags)
{
	libc_calls_ensure();
	if (UNLIKELY(size > room))
		return libc_calls.__recv_chk(fd, buffer, size, room, flags);
	return recv(fd, buffer, size, flags);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *buffer, size_t size, size_t room, int flags,
                              struct sockaddr *address, socklen_t *length)
{
	libc_calls_ensure();
	if (UNLIKELY(size > room))
		return libc_calls.__recvfrom_chk(fd, buffer, size, room, flags, address, length);
	return recvfrom(fd, buffer, size, flags, address, length);
}
#endif
