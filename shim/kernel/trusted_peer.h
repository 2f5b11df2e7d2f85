/* SPDX-License-Identifier: MIT */
/* Owns the question who is at the other end of a unix socket, as the kernel has it (unix(7),
 * SO_PEERCRED). */
#ifndef OCTOPUS_TRUSTED_PEER_H
#define OCTOPUS_TRUSTED_PEER_H

#include <sys/types.h>

/* Returns the pid of the process that has connected, or that listens there, if it ran as root or as this
 * process's user; else 0. May change errno. Context: any. */
pid_t trusted_peer(int fd);

#endif
