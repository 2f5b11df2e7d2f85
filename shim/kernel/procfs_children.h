/* SPDX-License-Identifier: MIT */
/* Owns the list of a process's children, as the kernel has it. */
#ifndef OCTOPUS_PROCFS_CHILDREN_H
#define OCTOPUS_PROCFS_CHILDREN_H

#include <sys/types.h>

/* Calls VISIT for each child process of each thread of PID, if the kernel lists them
 * (/proc/PID/task/TID/children, CONFIG_PROC_CHILDREN). Returns 0 or -errno. Context: any. */
int procfs_each_child(pid_t pid, void (*visit)(pid_t child, void *context), void *context);

#endif
