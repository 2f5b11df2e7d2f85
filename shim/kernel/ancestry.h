/* SPDX-License-Identifier: MIT */
/* Owns the question which process descends from which. */
#ifndef OCTOPUS_ANCESTRY_H
#define OCTOPUS_ANCESTRY_H

#include <stdbool.h>
#include <sys/types.h>

/* More than any process tree has. */
#define ANCESTORS 64

/* True if PID is a child of ANCESTOR, or a child's child, and so on. A zombie still has its parent;
 * a process whose parent has ended descends from init (proc(5), "ppid"). Context: any. */
bool ancestry_descends(pid_t pid, pid_t ancestor);

#endif
