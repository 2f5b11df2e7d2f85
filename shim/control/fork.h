/* SPDX-License-Identifier: MIT */
/* Owns what happens at a fork: the one list of what each module does, and which child is forked for
 * one connection. */
#ifndef OCTOPUS_FORK_H
#define OCTOPUS_FORK_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on each child of this process runs that list at its start. Context: normal, once. */
void fork_watch(void);

/* The same where pthread_atfork(3), which allocates, cannot be called: the wrapper of fork(2) does it then.
 * Context: any. */
void fork_watch_by_hand(void);

/* These surround a fork(2) of the server's, whose result is CHILD. In a process that is watched neither way
 * they make no system call; a summons (master.h) waits for their end, and they for its. Context: any. */
void fork_begins(void);
void fork_ends(pid_t child);

/* Since this thread's last fork. */
extern __thread bool fork_thread_has_accepted;

/* This thread is in libc's daemon(), whose parent leaves without our wrapper of _exit. */
extern __thread bool fork_makes_daemon;

/* This thread has accepted a connection: its next fork counts as one for that connection.
 * Context: any. */
static inline void fork_note_accept(void)
{
	fork_thread_has_accepted = true;
}

#endif
