/* SPDX-License-Identifier: MIT */
/* The one clock by which the library waits: CLOCK_MONOTONIC (clock_gettime(2)). */
#ifndef OCTOPUS_CLOCK_H
#define OCTOPUS_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL

/* Now, in ns. Context: any. */
static inline int64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Now, in ms. Context: any. */
static inline int64_t clock_now_ms(void)
{
	return clock_now_ns() / NS_PER_MS;
}

/* Now, in ns, up to one tick of the kernel late: costs no system call, and a few ns. Context: any. */
static inline int64_t clock_coarse_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* NS, 0 or more, as a timespec. Context: any. */
static inline struct timespec clock_to_timespec(int64_t ns)
{
	return (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
}

#endif
