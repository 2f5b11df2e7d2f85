/* SPDX-License-Identifier: MIT */
/* Owns what a server that drains says to its clients without knowing: HTTP/1.x responses get `Connection:
 * close` (http1.h) on their way through the wrappers, so that a client which keeps its connection busy goes to
 * the successor for its next request. Nothing of this is in force before the drain. */
#ifndef OCTOPUS_FAREWELL_H
#define OCTOPUS_FAREWELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "http/http1.h"

extern _Atomic bool farewell_is_on;

/* The one thing that the wrappers test. Context: any. */
static inline bool farewell_has_begun(void)
{
	return __builtin_expect(atomic_load_explicit(&farewell_is_on, memory_order_acquire), 0);
}

/* From now on connections may be followed. Not with OCTOPUS_HTTP_CLOSE=off. Context: the controller, once it has stopped accepting. */
void farewell_begin(void);

/* FD is a connection: from now on it is followed, with what is recorded of it so far (traffic.h). A second call
 * for the same connection changes nothing. Context: the controller. */
void farewell_follow(int fd);

/* FD is closed: its number is none of a followed connection any more. Context: any. */
void farewell_forget(int fd);

/* How FD's requests and responses stand, followed or not. Context: the controller. */
enum http_stand farewell_stand(int fd);

/* True if FD is followed in the clear, or, with IN_TLS, through a TLS library. Context: any. */
bool farewell_follows(int fd, bool in_tls);

/* A write that began before FD was followed has ended since, or a TLS library shows its bytes from now on: the
 * record is read again. Context: any. */
void farewell_begin_anew(int fd);

/* N bytes of a connection that is followed were read into IOV, and are recorded. Context: any. */
void farewell_received(int fd, const struct iovec *iov, int count, size_t n);

/* Writes to a connection that is followed, as sendmsg(2) does with FLAGS, what the server wrote and what is to
 * be said besides. Returns how many of the server's bytes went out, or -1 with errno: as a write of just those
 * would have. Context: any. */
ssize_t farewell_send(int fd, const struct iovec *iov, int count, int flags);

/* N bytes of content went out by sendfile, splice or their like. Context: any. */
void farewell_sent_file(int fd, uint64_t n);

/* The same for a TLS library, whose write takes one piece and must be asked again with the same bytes where it
 * could not take them (SSL_write(3)). The callback returns how many it took, or 0 or less, which is handed
 * through. HAS_MORE: the library holds bytes that the server has not read. Context: normal. */
typedef int farewell_write(void *context, const void *bytes, int size);
int farewell_send_tls(int fd, const void *bytes, int size, bool has_more, farewell_write *write,
                      void *context);

#endif
