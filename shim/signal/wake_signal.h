/* SPDX-License-Identifier: MIT */
/* Owns the signal by which a leader wakes its workers: in an idle worker no thread of the library
 * waits for news. It is one that libc keeps for itself, so the server can neither block nor handle
 * it (nptl(7)), and it is queued with a value that only the library uses. */
#ifndef OCTOPUS_WAKE_SIGNAL_H
#define OCTOPUS_WAKE_SIGNAL_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on each wake signal calls WAKE, in a signal handler. Context: normal. */
void wake_signal_arm(void (*wake)(void));

/* libc may have put its own handler in the place of ours, as glibc does at the first
 * pthread_cancel(3): puts ours before it. Does nothing in a process that is not armed.
 * Context: any. */
void wake_signal_arm_again(void);

/* True in a process that is armed: the signal may interrupt a call of the server's. Context: any. */
bool wake_signal_is_armed(void);

/* The leader has news: sends the signal to each worker that has a handler for it; it would end any
 * other process. Context: any. */
void wake_signal_tell(void);

/* Sends it to PID, if that has a handler for it and IS_IT says so (process.h). Context: any. */
void wake_signal_send(pid_t pid, bool (*is_it)(pid_t pid, const void *context),
                      const void *context);

#endif
