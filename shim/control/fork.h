/* SPDX-License-Identifier: MIT */
/* Owns what a fork means: the one list of what each module does in the child, and the child that is forked for one
 * connection. */
#ifndef OCTOPUS_FORK_H
#define OCTOPUS_FORK_H

#include <sys/types.h>

/* From now on the child of every fork of this process gets what is due. Context: normal, once. */
void fork_watch(void);

/* Around fork(2), in the parent: CHILD is its result. A child for one connection has its slot before its parent can
 * close the connection: in between, the drain would see neither. Context: any. */
void fork_begins(void);
void fork_ended(pid_t child);

/* This thread has accepted a connection: a fork that follows is taken to be for it. Context: any. */
void fork_note_accept(void);

#endif
