/* SPDX-License-Identifier: MIT */
/* Owns the close of a socket that a stranger may have filled. What he has passed over it is closed with it
 * (unix(7), SCM_RIGHTS), by whoever closes it last; and if that is a connection that lingers (socket(7),
 * SO_LINGER), the close takes as long as he likes. But a process that exits does not linger (PF_EXITING in
 * inet_release(), net/ipv4/af_inet.c). */
#ifndef OCTOPUS_CLOSE_APART_H
#define OCTOPUS_CLOSE_APART_H

/* Closes the COUNT descriptors in FDS. A process that shares this one's memory, and not its descriptors,
 * has copies of all of them meanwhile, and exits last. Where there can be no such process, closes them
 * all the same. May change errno. Context: the controller. */
void close_apart(const int *fds, int count);

#endif
