/* SPDX-License-Identifier: MIT */
/* Owns which connections Octopus follows while the process drains, and where each of them stands in
 * HTTP. Before the drain nothing of this is active. A spin lock for each connection orders the
 * thread that reads, the thread that writes and the controller. None of them holds it over a system
 * call that may sleep. */
#ifndef OCTOPUS_FOLLOW_H
#define OCTOPUS_FOLLOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "http/http1.h"

extern _Atomic bool follow_is_on;

/* The wrappers test only this. Context: any. */
static inline bool follow_has_begun(void)
{
	return __builtin_expect(atomic_load_explicit(&follow_is_on, memory_order_acquire), 0);
}

/* From now on connections may be followed, except with OCTOPUS_HTTP_CLOSE=off.
 * Context: the controller, once the process has stopped accepting. */
void follow_begin(void);

/* Follows the connection FD, which is the socket SOCKET (socket_identity.h), from now on. Begins with
 * its record (exchange.h), which must be whole (record_check.h). Does nothing if that socket is
 * followed already. What was followed under this number before has ended. Context: the
 * controller. */
void follow_connection(int fd, uint64_t socket);

/* Stops following FD, because its bytes are not seen any more. Context: any. */
void follow_forget(int fd);

/* Where FD, which is SOCKET, stands in HTTP, followed or not. Its record must be whole
 * (record_check.h). Context: the controller. */
enum http_state follow_state(int fd, uint64_t socket);

/* True if FD is followed in plain text, or, with IN_TLS, through a TLS library, and if it still is
 * the socket that was followed. Asks the kernel only where FD is followed. Context: any. */
bool follow_follows(int fd, bool in_tls);

/* Begins again with FD's record: a write that began before FD was followed has ended, or from now
 * on a TLS library's wrappers show its bytes. Context: any. */
void follow_again(int fd);

/* The server read N bytes of a followed connection into IOV, and exchange.h has recorded them.
 * Context: any. */
void follow_received(int fd, const struct iovec *iov, int count, size_t n);

/* N bytes of content went out by sendfile(2), splice(2) or their like. Context: any. */
void follow_sent_file(int fd, uint64_t n);

/* Bytes that a TLS library has not taken yet: the next call must pass the same bytes. */
struct follow_pending {
	char *bytes; /* an mmap of its own, or NULL */
	int length;
	int done;
	int own_size;        /* so many of the server's bytes are in BYTES */
	bool is_the_servers; /* not edited: the server keeps the bytes */
};

/* The pending bytes of FD, or NULL where FD is not followed. follow_forget() frees them.
 * Context: any, but one thread at a time for each connection. */
struct follow_pending *follow_pending(int fd);

/* Plans the edits of what the server wants to write to FD (http1_plan(), goaway_plan()); none where FD is not
 * followed. HAS_MORE: a TLS library holds bytes that the server has not read. Context: any. */
void follow_plan(int fd, const struct iovec *iov, int count, bool has_more,
                 struct edits *ret_edits);

/* The server begins a write to FD; it has ended, and the record shows it. Context: any. */
void follow_write_begins(int fd);
void follow_write_ends(int fd);

/* Says GOAWAY on FD, which is SOCKET, if it is followed, speaks HTTP/2 in plain text, and may be written to
 * between two frames; and if this was asked before, so that no write is left that began earlier than that. Where the
 * server writes, it is said there (follow_plan()). Context: the controller. */
void follow_say_goaway(int fd, uint64_t socket);

/* The kernel, or a TLS library, took TAKEN of the edited bytes. Returns how many of them are the
 * server's. Context: any. */
size_t follow_wrote(int fd, const struct iovec *iov, int count, const struct edits *edits,
                    size_t taken);

#endif
