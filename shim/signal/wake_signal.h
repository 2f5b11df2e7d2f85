/* SPDX-License-Identifier: MIT */
/* Owns the signal by which a leader wakes its workers: in an idle worker no thread of the library
 * waits for news. It is one that libc keeps for itself, so the server can neither block nor handle
 * it (nptl(7)), and it is queued with a value that only the library uses. */
#ifndef OCTOPUS_WAKE_SIGNAL_H
#define OCTOPUS_WAKE_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A few words that the processes of a server say to each other where they share no page (branches.h):
 * what, and a number that goes with it. */
struct wake_word {
	uint8_t what;   /* 0: none, as a plain wake signal has it */
	int32_t number; /* of 24 bits */
};

/* From now on each wake signal with a word calls HEAR, in a signal handler, with its sender as it says.
 * Context: init, or the first call of a wrapper. */
void wake_signal_hear(void (*hear)(struct wake_word word, pid_t sender));

/* A wake signal has come that may have interrupted a call of the server's: it is made again from now on
 * (restart.h). Context: any. */
void wake_signal_note_interrupt(void);

/* Says WORD to PID, as wake_signal_send(). Returns 0 or -errno; -ENOENT if PID has no handler.
 * Context: any. */
int wake_signal_say(pid_t pid, struct wake_word word, bool (*is_it)(pid_t pid, const void *context),
                    const void *context);

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
