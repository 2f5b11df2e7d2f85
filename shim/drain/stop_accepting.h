/* SPDX-License-Identifier: MIT */
/* Owns the moment at which this process stops accepting: on all listeners at once. A quiet listener
 * replaces each listener (quiet_listener.h). Where the process cannot have one, each accept() is
 * refused by itself. */
#ifndef OCTOPUS_STOP_ACCEPTING_H
#define OCTOPUS_STOP_ACCEPTING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The controller sets it. A fork's child inherits it. */
extern _Atomic bool stop_accepting_is_on;

/* Replaces every listener of this process but the COUNT descriptors of KEPT, with their epoll
 * registrations, and wakes the threads that wait on one. Returns when no accept() is under way any
 * more, so that each accepted connection has its descriptor. Returns 0, or -errno when nothing was
 * changed; the caller tries again, and after a quarter of a second gets 0, because accept() is
 * refused from then on. Takes no ownership of KEPT. Context: the controller. */
int stop_accepting_begin(const int *kept, int count);

/* Waits until every listener is replaced, for at most LIMIT_MS. Context: any. */
void stop_accepting_await(int64_t limit_ms);

/* True once this process, or the parent that forked it, has stopped accepting. Context: any. */
static inline bool stop_accepting_has_begun(void)
{
	return __builtin_expect(atomic_load(&stop_accepting_is_on), 0);
}

/* True if the server's accept() on FD must fail with EAGAIN instead of reaching the kernel. Context:
 * any, between accept_calls_enter() and accept_calls_leave(). */
bool stop_accepting_refuses(int fd);

#endif
