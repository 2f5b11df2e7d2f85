/* SPDX-License-Identifier: MIT */
/* Owns what poll(), select() and epoll report of listeners.
 *
 * While two generations share a listener, one connection wakes the waits of both. The server of one
 * that comes too late must neither sleep in accept(), because it has connections to answer, nor see an
 * error, because a bare server sees none: for that one, what its wait reports is there. So the wait
 * itself takes the connection (kept.h), and the listener counts as ready only then. A listener on which
 * nothing is left drops out of the report, and where nothing else is in it the wait goes on. The
 * accept() that follows gets what was taken. An accept() of which no wait has told sleeps (accepting.h).
 *
 * That is done where the listener blocks as far as the server knows; the library unblocks it first
 * (listeners.h). It is done only where this process has accepted on that number before. A master may
 * poll a listener on which only its workers accept, and start the first of them for the connection that
 * it was told of (php-fpm's "ondemand"): what it took would be lost. The price is that a process that
 * comes too late for its very first connection of a listener sleeps until the next one comes.
 *
 * A kept connection for which nobody has asked is reported again, as the kernel would. */
#ifndef OCTOPUS_REPORTS_H
#define OCTOPUS_REPORTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/kept.h"
#include "generation/generation.h"

/* Listeners with higher numbers are not looked at. */
#define REPORTS_HIGHEST_FD 4096

/* The numbers on which this process has accepted. They say only where to look. */
extern _Atomic bool reports_has_accepted[REPORTS_HIGHEST_FD];

/* The first accept() on FD. Context: any. */
void reports_note_new(int fd);

/* The server calls accept() on FD. Context: any. */
static inline void reports_note_accept(int fd)
{
	if (__builtin_expect(
		    (unsigned)fd < REPORTS_HIGHEST_FD &&
			    !atomic_load_explicit(&reports_has_accepted[fd], memory_order_relaxed),
		    0))
		reports_note_new(fd);
}

/* True if FD may be a listener on which this process has accepted. Context: any. */
bool reports_is_accepted_on(int fd);

/* A wait has reported FD, on which this process accepts. Returns false if no connection is there for it
 * any more; takes one otherwise, where it must be taken. Leaves errno alone. Context: any. */
bool reports_is_there(int fd);

/* Changes when what is known of the epoll sets may be old. */
extern _Atomic uint32_t reports_changes;

/* Something has shown that it is. Context: any. */
void reports_look_anew(void);

/* True while the reports are to be checked. The wrappers test only this. Context: any. */
static inline bool reports_are_checked(void)
{
	return __builtin_expect(generation_may_share() || kept_any(), 0);
}

#endif
