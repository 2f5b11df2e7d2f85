/* SPDX-License-Identifier: MIT */
/* Adds `Connection: close` to the HTTP/1.x responses of a draining server, without its knowledge: a client that keeps
 * its connection busy goes to the successor for its next request. */
#ifndef OCTOPUS_ANNOUNCE_H
#define OCTOPUS_ANNOUNCE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Writes to a connection that is followed (follow.h), as sendmsg(2) does with FLAGS, what the server wrote and the
 * announcement. Returns how many of the server's bytes went out, or -1 with errno: as a write of just those would
 * have. Context: any. */
ssize_t announce_send(int fd, const struct iovec *iov, int count, int flags);

/* Returns how many of the SIZE bytes a TLS library took, or 0 or less. */
typedef int announce_put(void *context, const void *bytes, int size);

/* The same for a TLS library, whose write takes one piece and must be asked again with the same bytes where it
 * could not take them (SSL_write(3)). What PUT returns, if 0 or less, is handed through. HAS_MORE: the library holds
 * bytes that the server has not read. Context: normal. */
int announce_send_tls(int fd, const void *bytes, int size, bool has_more, announce_put *put,
                      void *context);

#endif
