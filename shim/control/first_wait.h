/* SPDX-License-Identifier: MIT */
/* Owns the first wait. A process shows that it serves when it waits for a connection. Then a worker
 * gets its controller, and a generation becomes ready. Afterwards the wrappers test one flag. */
#ifndef OCTOPUS_FIRST_WAIT_H
#define OCTOPUS_FIRST_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#define MISSING_FIRST_WAIT 1u /* no process of the generation is known to wait yet */
#define MISSING_CONTROLLER 2u /* this process, a fork's child, has no controller yet */

#define MISSING_LISTEN 4u /* this process has bound a socket, and no listen() was seen yet */

/* What this process still has to find out. Context: any. */
extern _Atomic uint32_t first_wait_missing;

/* True while anything is missing. The wrappers test only this. Context: any. */
static inline bool first_wait_is_watched(void)
{
	return __builtin_expect(
		__atomic_load_n((const uint32_t *)&first_wait_missing, __ATOMIC_RELAXED) != 0, 0);
}

/* The server waits on FD, or is about to. A descriptor that is no listener does not count. Leaves errno
 * alone. Context: the server's threads. */
void first_wait_on_fd(int fd);

/* The same for FD, of which is known that it is a listener; IS_NEWS: coverage_note() was not told of it or
 * of one beside it before. Context: the server's threads. */
void first_wait_has_begun(int fd, bool is_news);

/* True if FD is a listener of this process's, on which its first wait may be. Leaves errno alone.
 * Context: the server's threads. */
bool first_wait_may_be_on(int fd);

/* The same for an accept() on FD in a process that has never listened. Context: the server's
 * threads. */
void first_wait_unlistened(int fd);

/* This process has a listener on which it need not call listen(): its first wait tells.
 * Context: any. */
void first_wait_expect_unseen(void);

/* The server is about to read from FD. A child that was forked for one connection, and has answered
 * on it, keeps it for another request; it gets a controller, so that it learns of a drain. Leaves
 * errno alone. Context: the server's threads. */
void first_wait_on_connection(int fd);

/* The server is about to sleep or to wait for a signal. A daemon's master may do nothing else.
 * Context: the server's threads. */
void first_wait_idly(void);

/* Starts anew in the child of a fork. Context: any. */
void first_wait_forked(void);

#endif
