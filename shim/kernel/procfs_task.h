/* SPDX-License-Identifier: MIT */
/* Owns what /proc (proc(5)) says of one thread of this process: whether it sleeps, and in what. */
#ifndef OCTOPUS_PROCFS_TASK_H
#define OCTOPUS_PROCFS_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Finds the system call in which thread TID sleeps: its number and its first argument. *ret_call is
 * -1 while the thread runs. Returns 0 or -errno: -EACCES or -EPERM in a process that is not
 * dumpable (for example after it dropped root). Context: any. */
int procfs_task_syscall(pid_t tid, long *ret_call, long *ret_argument);

/* Returns the state of the thread TID of this process, as procfs_read_state() does: "S" if it sleeps
 * until something happens or a signal comes (proc(5), stat). Context: any. */
int procfs_task_state(pid_t tid);

/* Reads a set of signals of thread TID: NAME is "SigBlk:" or "SigPnd:". Returns as procfs_read_mask()
 * does. Context: any. */
int procfs_task_read_mask(pid_t tid, const char *name, uint64_t *ret_mask);

#endif
