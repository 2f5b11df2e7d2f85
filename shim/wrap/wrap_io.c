/* SPDX-License-Identifier: MIT */
/* Wraps read, write and their like, and passes what they transfer to observe.h. On a socket with a
 * time limit (SO_RCVTIMEO, SO_SNDTIMEO) the kernel restarts none of them after a handler
 * (signal(7)). A server without handlers of its own need not expect EINTR, and would give the
 * connection up. So the wrapper repeats such a call, with the whole limit. */
#include "base/interpose.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "control/first_wait.h"
#include "control/passing.h"
#include "http/exchange.h"
#include "http/observe.h"
#include "kernel/caller_memory.h"
#include "signal/restart.h"

/* A call that fails has transferred nothing: after a signal the kernel returns a partial count as
 * the result (signal(7)). */
#define UNDISTURBED(result, call)  \
	do                         \
		(result) = (call); \
	while (UNLIKELY((result) < 0) && restart_is_due())

static void about_to_read(int fd)
{
	if (first_wait_is_watched())
		first_wait_on_connection(fd);
}

EXPORT ssize_t read(int fd, void *buffer, size_t size)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.read(fd, buffer, size));
	return observe_read_bytes(fd, buffer, result);
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.readv(fd, parts, count));
	return observe_read(fd, parts, count, result);
}

/* Bytes that are no part of the stream, or come again (recv(2)). */
#define NOT_OF_THE_STREAM (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)

/* With MSG_TRUNC the result counts bytes that were discarded: those of a stream all (tcp(7)), those
 * of a datagram that are beyond the buffer. */
static ssize_t received_specially(int fd, int flags, ssize_t result)
{
	if (!(flags & NOT_OF_THE_STREAM))
		observe_received_unseen(fd, result);
	return result;
}
#define IS_SPECIAL(flags) UNLIKELY((flags) & (NOT_OF_THE_STREAM | MSG_TRUNC))

EXPORT ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.recv(fd, buffer, size, flags));
	if (IS_SPECIAL(flags))
		return received_specially(fd, flags, result);
	return observe_received_bytes(fd, buffer, result);
}

EXPORT ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
                        socklen_t *length)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.recvfrom(fd, buffer, size, flags, address, length));
	if (IS_SPECIAL(flags))
		return received_specially(fd, flags, result);
	return observe_received_bytes(fd, buffer, result);
}

/* A call that fails need not have read MESSAGE. */
EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t result;

	about_to_read(fd);
	UNDISTURBED(result, libc_calls.recvmsg(fd, message, flags));
	if (result < 0)
		return result;
	if (UNLIKELY(message->msg_controllen > 0))
		passing_note_received(message);
	if (IS_SPECIAL(flags | message->msg_flags))
		return received_specially(fd, flags | message->msg_flags, result);
	return observe_received(fd, message->msg_iov, (int)message->msg_iovlen, result);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t size)
{
	const struct iovec part = {(void *)bytes, size};
	ssize_t result;

	if (observe_takes_over(fd, &part, 1, 0, &result))
		return result;
	UNDISTURBED(result, libc_calls.write(fd, bytes, size));
	return observe_written(fd, &part, 1, result);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
	ssize_t result;

	if (observe_takes_over(fd, parts, count, 0, &result))
		return result;
	UNDISTURBED(result, libc_calls.writev(fd, parts, count));
	return observe_written(fd, parts, count, result);
}

EXPORT ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	const struct iovec part = {(void *)bytes, size};
	ssize_t result;

	if (observe_takes_over(fd, &part, 1, flags, &result))
		return result;
	UNDISTURBED(result, libc_calls.send(fd, bytes, size, flags));
	return observe_sent(fd, &part, 1, result);
}

/* A connection has one peer, so a stream server passes no address. */
EXPORT ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
                      const struct sockaddr *address, socklen_t length)
{
	const struct iovec part = {(void *)bytes, size};
	ssize_t result;

	if (!address && observe_takes_over(fd, &part, 1, flags, &result))
		return result;
	UNDISTURBED(result, libc_calls.sendto(fd, bytes, size, flags, address, length));
	return observe_sent(fd, &part, 1, result);
}

/* Ancillary data (descriptors, say) belongs to certain bytes, which an edit would shift. */
static bool is_plain(const struct msghdr *message)
{
	return !message->msg_name && message->msg_controllen == 0 &&
	       message->msg_iovlen <= UIO_MAXIOV;
}

static bool takes_message_over(int fd, const struct msghdr *message, int flags, ssize_t *ret_result)
{
	struct msghdr once;

	if (!observe_is_followed(fd) || !caller_memory_is_readable(message, sizeof(*message)))
		return false;
	once = *message;
	return is_plain(&once) &&
	       observe_send(fd, once.msg_iov, (int)once.msg_iovlen, flags, ret_result);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t result;

	if (takes_message_over(fd, message, flags, &result))
		return result;
	UNDISTURBED(result, libc_calls.sendmsg(fd, message, flags));
	if (result < 0)
		return result;
	if (UNLIKELY(message->msg_controllen > 0))
		passing_note_sent(message);
	return observe_sent(fd, message->msg_iov, (int)message->msg_iovlen, result);
}

/* Sets msg_len, and the hole behind it. */
static bool set_length(struct mmsghdr *message, unsigned length)
{
	const unsigned with_hole[2] = {length};

	_Static_assert(offsetof(struct mmsghdr, msg_len) + sizeof(with_hole) == sizeof(*message),
	               "a hole of four bytes");
	return caller_memory_put(&message->msg_len, with_hole, sizeof(with_hole));
}

/* One message after another, as the kernel does it (net/socket.c, __sys_sendmmsg). The next call
 * returns an error after the first message. */
static int send_each(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	unsigned i = 0;

	for (; i < count && i < UIO_MAXIOV; i++) {
		const ssize_t result = sendmsg(fd, &messages[i].msg_hdr, flags);
		const bool is_told = result >= 0 && set_length(&messages[i], (unsigned)result);

		if (result >= 0 && !is_told)
			errno = EFAULT;
		if (!is_told)
			return i > 0 ? (int)i : -1;
	}
	return (int)i;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, sendmmsg_flags flags)
{
	int result;

	if (observe_is_followed(fd))
		return send_each(fd, messages, count, (int)flags);
	UNDISTURBED(result, libc_calls.sendmmsg(fd, messages, count, flags));
	for (int i = 0; i < result; i++) {
		const struct msghdr *message = &messages[i].msg_hdr;

		if (UNLIKELY(message->msg_controllen > 0))
			passing_note_sent(message);
		(void)observe_sent(fd, message->msg_iov, (int)message->msg_iovlen,
		                   messages[i].msg_len);
	}
	return result;
}

EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.sendfile(to, from, offset, size));
	return observe_sent_file(to, result);
}

EXPORT ssize_t splice(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size,
                      unsigned flags)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.splice(from, from_offset, to, to_offset, size, flags));
	observe_received_unseen(from, result);
	return observe_sent_file(to, result);
}

#ifdef __GLIBC__
/* On the supported machines off_t and off64_t are the same. */
EXPORT ssize_t sendfile64(int to, int from, off64_t *offset, size_t size)
{
	ssize_t result;

	libc_calls_ensure();
	UNDISTURBED(result, libc_calls.sendfile64(to, from, offset, size));
	return observe_sent_file(to, result);
}

/* Fortified programs call these. libc does the check: with too small a buffer it ends the
 * program. */

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
