/* SPDX-License-Identifier: MIT */
/* Owns what happens at a fork: the one list of what each module does in the child, and the slot of
 * a child that is forked for one connection. */
#ifndef OCTOPUS_FORK_H
#define OCTOPUS_FORK_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on each child of this process runs that list at its start. Context: normal, once. */
void fork_watch(void);

/* These two bracket fork(2); CHILD is its result. The first reserves the slot of a child for one
 * connection before the parent can close the connection. Otherwise the drain would in between count
 * neither the connection nor the child. Context: any. */
void fork_begins(void);
void fork_ended(pid_t child);

/* Since this thread's last fork. */
extern __thread bool fork_thread_has_accepted;

/* This thread has accepted a connection: its next fork counts as one for that connection.
 * Context: any. */
static inline void fork_note_accept(void)
{
	fork_thread_has_accepted = true;
}

#endif
