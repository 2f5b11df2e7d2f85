/* SPDX-License-Identifier: MIT */
/* Owns the branches of a server, and what they and their master say to each other. A master may have no
 * listener of its own: it forks workers, and each binds with SO_REUSEPORT, or listens on what the master
 * has bound; or it executes them anew with that socket. Such a worker leads itself, as a branch: it takes
 * signals that stop it, and no other, and drains when its master says so. The master leads the server.
 *
 * They share no page: they had none when the worker was made. So they speak by the wake signal, which only
 * root and processes of the same user can send. A word makes nobody believe a pid: the master asks the
 * kernel whether a sender descends from it. */
#ifndef OCTOPUS_BRANCHES_H
#define OCTOPUS_BRANCHES_H

#include <stdbool.h>
#include <sys/types.h>

#include "signal/wake_signal.h"

enum branch_word {
	BRANCH_LISTENS =
		1,    /* to the master; the number is the offset of local time from UTC, in s */
	BRANCH_WAITS, /* to the master: for clients */
	BRANCH_HAS_DRAINED, /* to the master: it waits to be stopped in the server's own way */
	BRANCH_DRAIN,       /* to the branch; the number is 1 if a successor serves, else 0 */
	BRANCH_STOP,        /* to the branch: the master exits */
	/* To a process that is none, and holds connections that were passed to it; the number says which
	 * (drain/passed.h). */
	BRANCH_DRAIN_PASSED,
};

/* PID says WORD. Notes it, and returns true, if PID descends from this process. Context: any. */
bool branches_note(pid_t pid, struct wake_word word);

/* True if this process has ever had a branch. Context: any. */
bool branches_exist(void);

/* True if a live branch waits for clients. Context: any. */
bool branches_wait(void);

/* True if PID is a live branch of this process, or descends from it. Context: any. */
bool branches_include(pid_t pid);

/* Tells each live branch to drain, once. Context: the controller. */
void branches_drain(bool has_successor);

/* True if no live branch has anything left to drain. Context: the controller. */
bool branches_have_drained(void);

/* Tells each live branch that this process exits. Context: any. */
void branches_stop(void);

/* Calls VISIT with each live branch. Context: the controller. */
void branches_each(void (*visit)(pid_t pid, void *context), void *context);

/* In the child of a fork, which has none. Context: any. */
void branches_forked(void);

#endif
