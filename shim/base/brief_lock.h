/* SPDX-License-Identifier: MIT */
/* Owns a lock for some instructions, which no thread holds over a system call that may sleep. Who waits for it
 * gives up in the end: a signal handler may have interrupted the thread that holds it, or that thread was
 * cancelled. Who gave up has missed something, and the next one that takes the lock learns of it. */
#ifndef OCTOPUS_BRIEF_LOCK_H
#define OCTOPUS_BRIEF_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* All zero: free. */
typedef _Atomic uint8_t brief_lock;

#define BRIEF_LOCK_HELD 1
#define BRIEF_LOCK_MISSED 2

/* Spins so often, then sleeps 0.1 ms between attempts. */
#define BRIEF_LOCK_SPINS 100
#define BRIEF_LOCK_PATIENCE 200
#define BRIEF_LOCK_NS 100000

/* Takes LOCK if it is free. Context: any. */
static inline bool brief_lock_try(brief_lock *lock)
{
	return !(atomic_fetch_or(lock, BRIEF_LOCK_HELD) & BRIEF_LOCK_HELD);
}

/* Takes LOCK. Returns false, and notes that somebody has missed something, after 20 ms. Context: any. */
static inline bool brief_lock_take(brief_lock *lock)
{
	for (int i = 0; i < BRIEF_LOCK_SPINS + BRIEF_LOCK_PATIENCE; i++) {
		if (brief_lock_try(lock))
			return true;
		if (i >= BRIEF_LOCK_SPINS)
			(void)clock_sleep(BRIEF_LOCK_NS);
	}
	atomic_fetch_or(lock, BRIEF_LOCK_MISSED);
	return false;
}

/* True if somebody has missed something. brief_lock_forgive() begins anew. Context: any. */
static inline bool brief_lock_has_missed(const brief_lock *lock)
{
	return atomic_load(lock) & BRIEF_LOCK_MISSED;
}
static inline bool brief_lock_forgive(brief_lock *lock)
{
	return atomic_fetch_and(lock, (uint8_t)~BRIEF_LOCK_MISSED) & BRIEF_LOCK_MISSED;
}

/* Also in the place of a holder that is not there: of a thread that held it when another one forked, say. Who does
 * that must stand that a holder goes on all the same. Context: any. */
static inline void brief_lock_give_back(brief_lock *lock)
{
	atomic_fetch_and(lock, (uint8_t)~BRIEF_LOCK_HELD);
}

#endif
