/* SPDX-License-Identifier: MIT */
/* The library's time is the kernel's, although this program's own clock stands still and its sleeps
 * end at once, as under a preloaded library that lies about time.
 * Links: base/clock.c base/vdso.c
 */
#include "expect.h"
#include "base/clock.h"
#include "base/raw_syscall.h"
#include "base/vdso.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/time.h>

static int lies;

static int lie(void)
{
	lies++;
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	(void)clock;
	*ret_time = (struct timespec){12345, 0};
	return lie();
}

time_t time(time_t *ret_time)
{
	(void)ret_time;
	return lie();
}

int nanosleep(const struct timespec *request, struct timespec *rest)
{
	(void)request, (void)rest;
	return lie();
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                    struct timespec *rest)
{
	(void)clock, (void)flags, (void)request, (void)rest;
	return lie();
}

static int64_t kernel_ns(clockid_t clock)
{
	struct timespec now = {0};

	(void)RAW2(SYS_clock_gettime, clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The kernel's time before and after encloses ours. */
static void check_clock(const char *what, clockid_t clock, int64_t (*ours)(void), int64_t unit)
{
	const int64_t before = kernel_ns(clock) / unit;
	const int64_t found = ours();
	const int64_t after = kernel_ns(clock) / unit;

	expect_number(what, before <= found && found <= after, true);
}

static int64_t date(void)
{
	return clock_date();
}

static void check_sleep(void)
{
	const int64_t begun = kernel_ns(CLOCK_MONOTONIC);

	expect_number("sleep", clock_sleep(5 * NS_PER_MS), 0);
	expect_number("time slept", kernel_ns(CLOCK_MONOTONIC) - begun >= 5 * NS_PER_MS, true);
}

/* Every function of a vDSO answers like its system call; a name that it lacks is not found. */
static void check_vdso(void)
{
	const bool has_vdso = getauxval(AT_SYSINFO_EHDR);
#if defined(__aarch64__)
	const char *name = "__kernel_clock_getres";
#else
	const char *name = "__vdso_clock_getres";
#endif
	struct timespec ours = {0}, theirs = {1, 1};
	union {
		void *object;
		int (*getres)(clockid_t, struct timespec *);
	} found = {.object = vdso_find(name)};

	expect_number("function found", found.object != NULL, has_vdso);
	expect_number("function that there is not", vdso_find("__vdso_nothing") != NULL, false);
	if (!found.object)
		return;
	expect_number("its result", found.getres(CLOCK_MONOTONIC_COARSE, &ours), 0);
	(void)RAW2(SYS_clock_getres, CLOCK_MONOTONIC_COARSE, &theirs);
	expect_number("what it writes", ours.tv_nsec, theirs.tv_nsec);
}

int main(void)
{
	for (int i = 0; i < 3; i++) {
		check_clock("time in ns", CLOCK_MONOTONIC, clock_now_ns, 1);
		check_clock("time in ms", CLOCK_MONOTONIC, clock_now_ms, NS_PER_MS);
		check_clock("coarse time", CLOCK_MONOTONIC_COARSE, clock_coarse_now_ns, 1);
		check_clock("date", CLOCK_REALTIME, date, NS_PER_S);
	}
	check_sleep();
	check_vdso();
	expect_number("calls of this program's own clock", lies, 0);
	return expect_status();
}
