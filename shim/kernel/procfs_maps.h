/* SPDX-License-Identifier: MIT */
/* Owns the question what a process has mapped, as the kernel has it. */
#ifndef OCTOPUS_PROCFS_MAPS_H
#define OCTOPUS_PROCFS_MAPS_H

#include <sys/types.h>

/* Looks for a mapping of PID with PERMISSIONS ("rw-s"; NULL: any) whose file's path contains PART
 * (proc(5), "maps"). Returns 1 if there is one, 0 if there is none, or -errno: only root and a process of
 * the same user may look. Context: any. */
int procfs_maps_find(pid_t pid, const char *permissions, const char *part);

#endif
