/* SPDX-License-Identifier: MIT */
/* Owns the connections that a wait has taken from a listener which two generations share, until the
 * accept() that follows gets them (reports.h). They are few, and kept for moments: the server was told
 * of each. In a drain they count like any other connection of the process, because they are among its
 * descriptors. */
#ifndef OCTOPUS_KEPT_H
#define OCTOPUS_KEPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Written by kept.c only. */
extern _Atomic int kept_count;

/* True if some connection is kept, of whatever listener. Context: any. */
static inline bool kept_any(void)
{
	return __builtin_expect(atomic_load_explicit(&kept_count, memory_order_relaxed) != 0, 0);
}

/* True if a connection of the listener FD is kept. Leaves errno alone. Context: any. */
bool kept_has(int fd);

enum kept_result {
	KEPT_ONE,     /* a connection is kept for whoever accepts on the listener */
	KEPT_NONE,    /* none waits there */
	KEPT_UNKNOWN, /* it could not be asked, as at the limit of descriptors */
};

/* Takes a connection from FD, a listener that does not block, and keeps it. A thread has at most one of
 * each listener: what another one has taken is for that one. Leaves errno alone. Context: any. */
enum kept_result kept_take(int fd);

/* Gives the server a connection that is kept of FD, one that this thread has taken if there is one, as
 * accept4(2) with these arguments does. Returns true if there was one: then *RET_RESULT and errno are
 * those of accept4(2). The server owns the descriptor. Context: any, within accept_calls_enter(). */
bool kept_accept(int fd, struct sockaddr *address, socklen_t *length, int flags, int *ret_result);

/* True if FD is the descriptor of one, which the server does not know. Context: any. */
bool kept_owns(int fd);

/* The server closes FD. If that is a listener, what was kept of it ends like what waits in the queue
 * of a listener that is closed. Leaves errno alone. Context: any. */
void kept_end_of(int fd);

/* In the child of a fork, closes what its parent keeps. Context: any. */
void kept_forked(void);

#endif
