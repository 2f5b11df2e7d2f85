/* SPDX-License-Identifier: MIT */
/* Owns which processes are the candidate's, as the kernel has it, and how all of them are ended. */
#ifndef OCTOPUS_FAMILY_H
#define OCTOPUS_FAMILY_H

#include <stdint.h>
#include <sys/types.h>

#include "kernel/process.h"

/* The candidate's process PID, if the kernel says that it is one: the first process, or a descendant
 * of the reaper. Without a reaper, it must descend from the first process, and that be alive. pid 0:
 * it is none. Context: the controller. */
struct process family_confirm(pid_t pid);

/* Wakes the candidate's processes that have lost their parent to the reaper, so that one of them
 * leads on. Context: the controller. */
void family_wake_orphans(void);

/* Kills the candidate and all its descendants, within about LIMIT_MS. Of a sibling's it does not find
 * those that have left both their parent and their process group. Context: the controller. */
void family_kill(int64_t limit_ms);

#endif
