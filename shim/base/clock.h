/* SPDX-License-Identifier: MIT */
/* Owns the time: the clock by which the library waits (CLOCK_MONOTONIC, clock_gettime(2)), the date
 * of its log lines, and its sleeps. All three are the kernel's. A preloaded library may show the
 * server another time (libfaketime), and libc's functions would show it to us, too. */
#ifndef OCTOPUS_CLOCK_H
#define OCTOPUS_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL

/* Returns the time in ns or ms. Neither settimeofday(2) nor a suspend moves it. Context: any. */
int64_t clock_now_ns(void);
int64_t clock_now_ms(void);

/* Returns the time in ns, up to one kernel tick late. Takes a few ns, and no system call where the
 * kernel offers a vDSO (vdso(7)). Context: any. */
int64_t clock_coarse_now_ns(void);

/* Returns the date in seconds since 1970 (CLOCK_REALTIME), as every other program of this machine
 * sees it. Context: any. */
time_t clock_date(void);

/* Sleeps for NS, or until a signal handler has run. Returns 0, or -1 with errno EINTR. It is no
 * point of cancellation (pthreads(7)). Context: any. */
int clock_sleep(int64_t ns);

/* Returns NS, which is 0 or more, as a timespec. Context: any. */
static inline struct timespec clock_to_timespec(int64_t ns)
{
	return (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
}

#endif
