/* SPDX-License-Identifier: MIT */
/* Owns which connections are followed while the process drains, and where HTTP/1.x stands on each of them. Nothing of this
 * is in force before the drain. A spin lock for each connection orders the thread that reads, the one that writes and
 * the controller; none is held over a system call that may sleep. */
#ifndef OCTOPUS_FOLLOW_H
#define OCTOPUS_FOLLOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "http/http1.h"

extern _Atomic bool follow_is_on;

/* The one thing that the wrappers test. Context: any. */
static inline bool follow_has_begun(void)
{
	return __builtin_expect(atomic_load_explicit(&follow_is_on, memory_order_acquire), 0);
}

/* From now on connections may be followed. Not with OCTOPUS_HTTP_CLOSE=off. Context: the controller, once the process
 * has stopped accepting. */
void follow_begin(void);

/* FD is a connection: from now on it is followed, with what is recorded of it so far (exchange.h). A second call
 * for the same connection changes nothing. Context: the controller. */
void follow_connection(int fd);

/* FD is closed: its number is none of a followed connection any more. Context: any. */
void follow_forget(int fd);

/* How FD's requests and responses state, followed or not. Context: the controller. */
enum http_state follow_state(int fd);

/* True if FD is followed in the clear, or, with IN_TLS, through a TLS library. Context: any. */
bool follow_follows(int fd, bool in_tls);

/* A write that began before FD was followed has ended since, or a TLS library shows its bytes from now on: the
 * record is read again. Context: any. */
void follow_again(int fd);

/* N bytes of a connection that is followed were read into IOV, and are recorded. Context: any. */
void follow_received(int fd, const struct iovec *iov, int count, size_t n);

/* N bytes of content went out by sendfile, splice or their like. Context: any. */
void follow_sent_file(int fd, uint64_t n);

/* What a TLS library has not taken yet: it wants to be asked again with the same bytes. */
struct follow_pending {
	char *bytes; /* a mapping of its own, or NULL */
	int length;
	int done;
	int own_size;        /* so many of the server's bytes are in it */
	bool is_the_servers; /* not edited: the bytes are where the server has them */
};

/* That of FD, or NULL where FD is not followed. It ends with follow_forget(). Context: any, but one thread at a time for each connection. */
struct follow_pending *follow_pending(int fd);

/* The edits of what the server wants to write to FD (http1_plan()); none where FD is not followed. HAS_MORE: a TLS
 * library holds bytes that the server has not read. Context: any. */
void follow_plan(int fd, const struct iovec *iov, int count, bool has_more,
                 struct http1_edits *ret_edits);

/* The kernel, or a TLS library, took TAKEN of the edited bytes. Returns how many of them are the server's.
 * Context: any. */
size_t follow_wrote(int fd, const struct iovec *iov, int count, const struct http1_edits *edits,
                    size_t taken);

#endif
