/* SPDX-License-Identifier: MIT */
/* Owns the order between a peek at another thread's descriptor and that thread's close().
 *
 * The kernel takes a reference for a moment when one thread asks about another's descriptor (fdget(), fs/file.c). A
 * close() meanwhile is not the last one: an epoll set reports the file until the peek is over, under a number that
 * the server has given up (epoll(7), "Q6"). */
#ifndef OCTOPUS_PEEK_H
#define OCTOPUS_PEEK_H

#include <stdatomic.h>
#include <stdint.h>

/* Bracket every access to another thread's descriptor with this pair. close() then waits for the accesses
 * already under way; a later one no longer finds the descriptor. The iterators of procfs.h do it themselves.
 * Context: any. */
void peek_begin(void);
void peek_end(void);

/* How many have begun and ended. */
extern struct peeks {
	_Atomic uint32_t begun, ended;
} peeks;

/* After a close(), or a dup2() over a number: waits for the peeks under way, 100 ms at most. Leaves errno alone.
 * Context: any, but not within a peek. */
void peek_await(void);
static inline void peek_closed(void)
{
	if (__builtin_expect(atomic_load(&peeks.begun) != atomic_load(&peeks.ended), 0))
		peek_await();
}

/* In the child of a fork, where nobody peeks. Context: any. */
void peek_forked(void);

#endif
