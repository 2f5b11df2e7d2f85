/* SPDX-License-Identifier: MIT */
/* Owns the announcement: adds `Connection: close` to the HTTP/1.x responses of a draining server,
 * without its knowledge. So a client that keeps its connection busy sends its next request to the
 * successor. */
#ifndef OCTOPUS_ANNOUNCE_H
#define OCTOPUS_ANNOUNCE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Writes the server's bytes and the announcement to FD, a followed connection (follow.h), as
 * sendmsg(2) does with FLAGS. Sets *ret_sent to how many of the server's bytes went out, or to -1
 * with errno, as a write of only those bytes would. Returns false if nothing went out, because there
 * is nothing to write or the server's memory cannot be read: the kernel must decide what becomes of
 * such a call. Context: any. */
bool announce_send(int fd, const struct iovec *iov, int count, int flags, ssize_t *ret_sent);

/* Returns how many of the SIZE bytes a TLS library took, or 0 or less. */
typedef int announce_put(void *context, const void *bytes, int size);

/* As announce_send(), through a TLS library. Its write takes one piece, and the caller must repeat
 * it with the same bytes where the library could not take them (SSL_write(3)). Returns SIZE, what
 * PUT took of unedited bytes, or PUT's result if that is 0 or less. HAS_MORE: the library holds
 * bytes that the server has not read. Context: normal. */
int announce_send_tls(int fd, const void *bytes, int size, bool has_more, announce_put *put,
                      void *context);

#endif
