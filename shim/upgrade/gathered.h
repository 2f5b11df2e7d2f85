/* SPDX-License-Identifier: MIT */
/* Owns the listeners that only a master's branches have (signal/branches.h), while it hands them over: copies
 * of their descriptors, which the kernel gives to who may trace them (pidfd_getfd(2)). What another user's
 * branch listens on is left out: it might be anything. */
#ifndef OCTOPUS_GATHERED_H
#define OCTOPUS_GATHERED_H

#include <stdbool.h>

/* Adds the listeners of the branches to FDS, of which COUNT are there, one for each socket, at most MOST.
 * Returns how many there are then. They are close-on-exec, and closed by gathered_end().
 * Context: the controller. */
int gathered_add(int *fds, int count, int most);

/* Closes them. Context: the controller. */
void gathered_end(void);

/* The same in the child of a fork. Context: any. */
void gathered_forked(void);

#endif
