/* SPDX-License-Identifier: MIT */
/* Owns the moment at which this process stops accepting: all at once, and without a test on any hot path. A quiet
 * listener takes the place of each listener (quiet_listener.h). */
#ifndef OCTOPUS_STOP_ACCEPTING_H
#define OCTOPUS_STOP_ACCEPTING_H

#include <stdbool.h>
#include <stdint.h>

/* Replaces every listener of this process but the COUNT descriptors of KEPT, moves their epoll registrations
 * along, wakes the threads that wait on one, and returns when no accept() is under way any more: what was accepted
 * has its descriptor by then. Returns 0, or -errno when nothing was changed. Context: the controller. */
int stop_accepting_begin(const int *kept, int count);

/* Waits until every listener is replaced, for LIMIT_MS at most. Context: any. */
void stop_accepting_await(int64_t limit_ms);

/* True once this process, or the one that forked it, has stopped accepting. Context: any. */
bool stop_accepting_has_begun(void);

/* Brackets every accept() of the server; stop_accepting_begin() waits until none is inside. Context: any. */
void stop_accepting_enter_accept(void);
void stop_accepting_leave_accept(void);

/* In the child of a fork: the other threads' accepts are not its own. Context: any. */
void stop_accepting_forked(void);

#endif
