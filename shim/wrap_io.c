/* SPDX-License-Identifier: MIT */
/* read, write and their like. On a socket with a time limit (SO_RCVTIMEO, SO_SNDTIMEO) none of them is
 * restarted after a handler (signal(7)), and a server without handlers of its own need not know EINTR: it
 * would give the connection up. Such a call begins again, with its whole limit. */
#include "interpose.h"

#include <sys/uio.h>

#include "dispositions.h"

/* Nothing was moved: what was moved before a signal is returned as a number (signal(7)). */
#define UNDISTURBED(result, call)  \
	do                         \
		(result) = (call); \
	while (UNLIKELY((result) < 0) && dispositions_interrupted_us())

EXPORT ssize_t read(int fd, void *buffer, size_t size)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.read(fd, buffer, size));
	return result;
}

EXPORT ssize_t readv(int fd, const struct iovec *parts, int count)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.readv(fd, parts, count));
	return result;
}

EXPORT ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.recv(fd, buffer, size, flags));
	return result;
}

EXPORT ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
                        socklen_t *length)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.recvfrom(fd, buffer, size, flags, address, length));
	return result;
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.recvmsg(fd, message, flags));
	return result;
}

EXPORT ssize_t write(int fd, const void *bytes, size_t size)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.write(fd, bytes, size));
	return result;
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.writev(fd, parts, count));
	return result;
}

EXPORT ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.send(fd, bytes, size, flags));
	return result;
}

EXPORT ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
                      const struct sockaddr *address, socklen_t length)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.sendto(fd, bytes, size, flags, address, length));
	return result;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t result;

	UNDISTURBED(result, libc_calls.sendmsg(fd, message, flags));
	return result;
}

#ifdef __GLIBC__
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
