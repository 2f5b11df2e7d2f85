/* SPDX-License-Identifier: MIT */
/* Owns the controller: one small thread in a process that listens. It is there while an upgrade or a
 * drain is under way, from the moment that a signal comes or the generation changes. It does
 * everything that takes time, so that a signal handler only records the signal, and the server's
 * threads keep running. When there is nothing left to do it ends, and an idle server has no thread
 * of Octopus's. It stays only where all threads of the server block a signal that is ours, or where it could
 * not be made again (RLIMIT_NPROC). */
#ifndef OCTOPUS_CONTROLLER_H
#define OCTOPUS_CONTROLLER_H

#include <signal.h>
#include <stdbool.h>

/* Starts the controller in the leader, unless nobody follows it (parent_leave_if_unfollowed()). Returns 0
 * or -errno. Context: normal. */
int controller_start(void);

/* What the thread does: returns when it has nothing left to do. Context: the controller. */
void controller_run(void);

/* Starts the controller in a forked child that waits for connections, or will lead a daemon. Logs a
 * failure; the worker then keeps accepting until its master stops it. Context: normal. */
void controller_attach(void);

/* The leader has received SIG for the server: records it and wakes the controller. INFO shows whether
 * the signal comes from the terminal (SI_KERNEL), or from a descendant. Returns false if SIG is to
 * stop the server and there can be no thread for the drain: the server stops in its own way then.
 * Context: any. */
bool controller_note_signal(int sig, const siginfo_t *info);

/* Wakes the controller of this process. Context: any. */
void controller_wake(void);

/* The server's threads may soon no longer ring: BEGINS has the controller look every 100 ms instead,
 * until each such call was undone by one without BEGINS. Context: any. */
void controller_look_by_itself(bool begins);

/* A thread of the server has blocked a signal that Octopus has taken: makes the controller look
 * within a second whether another one can still take it. Context: any. */
void controller_note_mask(void);

/* The process is about to exit: leaves the generation. Context: any. */
void controller_on_exit(void);

/* Resets this module in the child of a fork, which has no such thread. Context: any. */
void controller_forked(void);

/* True while the thread is awake, or an upgrade or a drain is under way: then Octopus has
 * descriptors open that the server does not know of. Context: any. */
bool controller_is_at_work(void);

#endif
