/* SPDX-License-Identifier: MIT */
/* Owns who is inside accept(). Each thread notes it in a slot of its own. A thread may never come
 * out of the call: it is cancelled there, or a handler leaves by siglongjmp(3). So a note is not
 * believed for long: the kernel knows whether the thread still runs. */
#ifndef OCTOPUS_ACCEPT_CALLS_H
#define OCTOPUS_ACCEPT_CALLS_H

#include <stdbool.h>
#include <stdint.h>

/* These two bracket every accept() of the server, with what the library does to its result. After
 * a call that was left in another way, the next one of the thread is a new one. Context: any. */
void accept_calls_enter(void);
void accept_calls_leave(void);

/* Waits until each call that is under way has returned, or its thread has ended or sleeps: a thread
 * that sleeps in accept() has no connection yet. Returns false if that takes longer than LIMIT_MS.
 * Context: the controller. */
bool accept_calls_await(int64_t limit_ms);

/* In the child of a fork, forgets the slot of the thread that forked. Context: any. */
void accept_calls_forked(void);

#endif
