/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdatomic.h>

#include "base/raw_syscall.h"
#include "base/vdso.h"

#if defined(__aarch64__)
#define VDSO_NAME "__kernel_clock_gettime"
#else
#define VDSO_NAME "__vdso_clock_gettime"
#endif

typedef int gettime(clockid_t clock, struct timespec *ret_time);

static int ask_kernel(clockid_t clock, struct timespec *ret_time)
{
	return (int)RAW2(SYS_clock_gettime, clock, ret_time);
}

static gettime find;

/* The first call replaces it. Threads that come at the same time find the same. */
static _Atomic(gettime *) current = find;

static int find(clockid_t clock, struct timespec *ret_time)
{
	/* ISO C has no cast from an object pointer to a function pointer. */
	union {
		void *object;
		gettime *function;
	} found = {.object = vdso_find(VDSO_NAME)};

	atomic_store(&current, found.object ? found.function : ask_kernel);
	return atomic_load(&current)(clock, ret_time);
}

static struct timespec ask(clockid_t clock)
{
	struct timespec now = {0};

	(void)atomic_load_explicit(&current, memory_order_relaxed)(clock, &now);
	return now;
}

static int64_t in_ns(struct timespec time)
{
	return time.tv_sec * NS_PER_S + time.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return in_ns(ask(CLOCK_MONOTONIC));
}

int64_t clock_now_ms(void)
{
	return clock_now_ns() / NS_PER_MS;
}

int64_t clock_coarse_now_ns(void)
{
	return in_ns(ask(CLOCK_MONOTONIC_COARSE));
}

time_t clock_date(void)
{
	return ask(CLOCK_REALTIME).tv_sec;
}

int clock_sleep(int64_t ns)
{
	const struct timespec time = clock_to_timespec(ns);

	return (int)raw_result(RAW2(SYS_nanosleep, &time, NULL));
}
