/* SPDX-License-Identifier: MIT */
/* Owns what happens at a fork: the one list of what each module does, and which child is forked for
 * one connection. */
#ifndef OCTOPUS_FORK_H
#define OCTOPUS_FORK_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on each child of this process runs that list at its start. Context: normal, once. */
void fork_watch(void);

/* Since this thread's last fork. */
extern __thread bool fork_thread_has_accepted;

/* This thread has accepted a connection: its next fork counts as one for that connection.
 * Context: any. */
static inline void fork_note_accept(void)
{
	fork_thread_has_accepted = true;
}

#endif
