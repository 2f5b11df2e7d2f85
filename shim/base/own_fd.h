/* SPDX-License-Identifier: MIT */
/* Owns the descriptors that the library opens for a moment, such as a file of /proc: a child that
 * the server forks meanwhile would keep them for its life, because it executes nothing that would
 * close them. */
#ifndef OCTOPUS_OWN_FD_H
#define OCTOPUS_OWN_FD_H

/* Bracket the life of such a descriptor, from before its open to after its close. The first waits
 * for a fork under way, at most 100 ms. They nest. Both leave errno alone. Context: any. */
void own_fd_begin(void);
void own_fd_end(void);

/* A fork begins: waits until no other thread is within a bracket, at most 100 ms. Leaves errno
 * alone. Context: any. */
void own_fd_fork_begins(void);

/* The fork is over, in the parent or in the child. Context: any. */
void own_fd_forked_in_parent(void);
void own_fd_forked_in_child(void);

#endif
