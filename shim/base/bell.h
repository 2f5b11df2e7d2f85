/* SPDX-License-Identifier: MIT */
/* The bell: one futex word that sleepers watch and anybody may ring (futex(2)). It lives in memory
 * shared between processes, so the private flag is never set. */
#ifndef OCTOPUS_BELL_H
#define OCTOPUS_BELL_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "base/raw_syscall.h"

typedef _Atomic uint32_t bell;

/* Wakes everyone who waits on the bell. Leaves errno alone. Context: any. */
static inline void bell_ring(bell *word)
{
	atomic_fetch_add(word, 1);
	(void)RAW3(SYS_futex, word, FUTEX_WAKE, INT_MAX);
}

/* Sleeps until the bell no longer shows SEEN, or for LIMIT_MS (negative: without end). May return
 * early. Context: any. */
static inline void bell_wait(bell *word, uint32_t seen, int64_t limit_ms)
{
	struct timespec limit = {limit_ms / 1000, limit_ms % 1000 * 1000000L};

	(void)RAW4(SYS_futex, word, FUTEX_WAIT, seen, limit_ms < 0 ? NULL : &limit);
}

#endif
