/* SPDX-License-Identifier: MIT */
/* Owns who is inside accept(). Each thread notes it in a slot of its own. A thread may never come
 * out of the call: it is cancelled there, or a handler leaves by siglongjmp(3). So a note is not
 * believed for long: the kernel knows whether the thread still runs. */
#ifndef OCTOPUS_ACCEPT_CALLS_H
#define OCTOPUS_ACCEPT_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Only its thread writes CALLS, which is odd inside of a call. A slot is never given back: a thread
 * that finds no free one takes that of a thread that has ended. */
struct caller {
	_Atomic int32_t tid; /* 0: free */
	_Atomic uint32_t calls;
};

/* The slot of this thread; NULL before its first call. */
extern __thread struct caller *accept_calls_own;

/* These two bracket every accept() of the server, with what the library does to its result. After
 * a call that was left in another way, the next one of the thread is a new one. Context: any. */
void accept_calls_enter(void);
static inline void accept_calls_leave(void)
{
	struct caller *own = accept_calls_own;
	const uint32_t calls = own ? atomic_load_explicit(&own->calls, memory_order_relaxed) : 0;

	/* The call of a handler may already have ended that of the code which it interrupted. */
	if (calls % 2)
		atomic_store_explicit(&own->calls, calls + 1, memory_order_release);
}

/* The same as accept_calls_enter() for a thread that has been inside before; else it returns false.
 * Context: any. */
static inline bool accept_calls_enter_again(void)
{
	struct caller *own = accept_calls_own;

	if (!own)
		return false;
	atomic_store(&own->calls,
	             (atomic_load_explicit(&own->calls, memory_order_relaxed) + 1) | 1);
	return true;
}

/* Waits until each call that is under way has returned, or its thread has ended or sleeps: a thread
 * that sleeps in accept() has no connection yet. Returns false if that takes longer than LIMIT_MS.
 * Context: the controller. */
bool accept_calls_await(int64_t limit_ms);

/* In the child of a fork, forgets the slot of the thread that forked. Context: any. */
void accept_calls_forked(void);

#endif
