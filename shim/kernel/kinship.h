/* SPDX-License-Identifier: MIT */
/* Owns what this process has in common with another one, as the kernel has it. */
#ifndef OCTOPUS_KINSHIP_H
#define OCTOPUS_KINSHIP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/process.h"

/* True if the two are forks of one program's execution: their stack begins at the same address, which each
 * execve(2) chooses anew. Context: any. */
bool kinship_of_images(const struct process_stat *one, const struct process_stat *other);

/* Returns which socket descriptor FD of PID is (socket_identity.h); 0 if it is none, or the kernel does not let
 * this process look. Context: any. */
uint64_t kinship_socket_of(pid_t pid, int fd);

/* True if PID has a descriptor of SOCKET (socket_identity.h). False, too, if the kernel does not let this
 * process look. Context: any. */
bool kinship_by_socket(pid_t pid, uint64_t socket);

#endif
