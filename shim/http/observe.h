/* SPDX-License-Identifier: MIT */
/* Owns the one door from the wrappers of read, write, SSL_read, SSL_write and their like to HTTP.
 * It records each exchange, and passes the bytes on to whatever follows the connection while the
 * process drains. */
#ifndef OCTOPUS_OBSERVE_H
#define OCTOPUS_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "http/announce.h"
#include "http/exchange.h"
#include "http/follow.h"

/* True if FD is followed in plain text, and still the socket that is. Makes a system call only where
 * FD is followed. Context: any. */
bool observe_is_followed(int fd);

/* Writes to FD, a connection that is followed in plain text, as sendmsg(2) does with FLAGS, and
 * records it. Returns false if FD is not followed, or announce_send() leaves the call to the kernel:
 * then the wrapper makes the server's own call. Context: any. */
bool observe_send(int fd, const struct iovec *parts, int count, int flags, ssize_t *ret_result);

/* The same, for the wrappers: before a drain it tests one flag. Context: any. */
static inline bool observe_takes_over(int fd, const struct iovec *parts, int count, int flags,
                                      ssize_t *ret_result)
{
	return follow_has_begun() && observe_send(fd, parts, count, flags, ret_result);
}

/* The server has called sendfile(2), splice(2) or their like. Returns RESULT. Context: any. */
ssize_t observe_sent_file(int fd, ssize_t result);

/* The rest of observe_received(), at the end of the stream or in a drain. Context: any. */
ssize_t observe_received_further(int fd, const struct iovec *parts, int count, ssize_t result);
/* The rest of observe_sent(), in a drain. Context: any. */
ssize_t observe_sent_further(int fd, ssize_t result);

/* The functions below read the server's memory after its call. What they read, the kernel has
 * touched: the first RESULT bytes, and the list where RESULT is above 0. */

/* The rest of each read, once it is noted. Context: any. */
static inline ssize_t observe_after_reading(int fd, const struct iovec *parts, int count,
                                            ssize_t result)
{
	if (__builtin_expect(result == 0, 0) || follow_has_begun())
		return observe_received_further(fd, parts, count, result);
	return result;
}

/* The server's call has read into the COUNT parts, or to BYTES, and not with MSG_PEEK, MSG_OOB,
 * MSG_ERRQUEUE or MSG_TRUNC (recv(2)). RESULT is the call's result; these return it. FD is a socket.
 * Context: any. */
static inline ssize_t observe_received(int fd, const struct iovec *parts, int count, ssize_t result)
{
	if (__builtin_expect(result > 0, 1))
		exchange_received(fd, parts, count, (size_t)result);
	return observe_after_reading(fd, parts, count, result);
}
static inline ssize_t observe_received_bytes(int fd, const void *bytes, ssize_t result)
{
	if (__builtin_expect(result > 0, 1))
		exchange_received_bytes(fd, bytes, (size_t)result);
	return observe_after_reading(fd, &(struct iovec){(void *)bytes, (size_t)result}, 1, result);
}

/* The same, where FD need not be a socket. Context: any. */
static inline ssize_t observe_read(int fd, const struct iovec *parts, int count, ssize_t result)
{
	if (__builtin_expect(result > 0, 1))
		exchange_read(fd, parts, count, (size_t)result);
	return observe_after_reading(fd, parts, count, result);
}
static inline ssize_t observe_read_bytes(int fd, const void *bytes, ssize_t result)
{
	if (__builtin_expect(result > 0, 1))
		exchange_read_bytes(fd, bytes, (size_t)result);
	return observe_after_reading(fd, &(struct iovec){(void *)bytes, (size_t)result}, 1, result);
}

/* The server's call has read RESULT bytes that no wrapper can see: splice(2), or MSG_TRUNC, which
 * discards them (tcp(7)). Stops following FD, because nobody can read these bytes as a request
 * later. Context: any. */
void observe_received_unseen(int fd, ssize_t result);

/* The server's own call has written the COUNT parts to the socket FD. Returns RESULT.
 * Context: any. */
static inline ssize_t observe_sent(int fd, const struct iovec *parts, int count, ssize_t result)
{
	if (__builtin_expect(result > 0, 1))
		exchange_sent(fd, parts, count, (size_t)result);
	return follow_has_begun() ? observe_sent_further(fd, result) : result;
}

/* The same, where FD need not be a socket. /dev/null and its like (null(4)) take bytes that nobody
 * touches. So the bytes are read only on what is known to be a socket. Context: any. */
static inline ssize_t observe_written(int fd, const struct iovec *parts, int count, ssize_t result)
{
	if (__builtin_expect(result > 0, 1))
		exchange_written(fd, parts, count, (size_t)result);
	return follow_has_begun() ? observe_sent_further(fd, result) : result;
}

/* From now on a TLS library's wrappers show FD's plain bytes, by the next three. Context: any. */
void observe_tls(int fd);
void observe_received_tls(int fd, const void *bytes, size_t size);
ssize_t observe_sent_file_tls(int fd, ssize_t result);

/* Lets the TLS library write BYTES by PUT, edited if the connection is followed. Returns what PUT
 * would: how many of the SIZE bytes it took, or 0 or less. HAS_MORE: the library holds bytes that
 * the server has not read. Context: normal. */
int observe_send_tls(int fd, const void *bytes, int size, bool has_more, announce_put *put,
                     void *context);

#endif
