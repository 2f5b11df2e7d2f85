/* SPDX-License-Identifier: MIT */
/* Wraps pause, sigsuspend and the sleeps. The main thread of a threaded server, or a daemon's
 * master, may do nothing else, and acts when they return early. So a signal that Octopus handles
 * must not end them. */
#include "base/interpose.h"

#include <errno.h>
#include <stdbool.h>

#include "base/secure_mode.h"
#include "control/first_wait.h"
#include "kernel/caller_memory.h"
#include "signal/restart.h"

EXPORT int pause(void)
{
	int result;

	if (first_wait_is_watched())
		first_wait_idly();
	do
		result = libc_calls.pause();
	while (restart_is_due());
	return result;
}

EXPORT int sigsuspend(const sigset_t *mask)
{
	int result;

	if (first_wait_is_watched())
		first_wait_idly();
	do
		result = libc_calls.sigsuspend(mask);
	while (restart_is_due());
	return result;
}

EXPORT int nanosleep(const struct timespec *request, struct timespec *remaining)
{
	struct timespec rest;
	int result;

	if (secure_mode_is_on())
		return libc_calls.nanosleep(request, remaining);
	if (first_wait_is_watched())
		first_wait_idly();
	result = libc_calls.nanosleep(request, &rest);
	while (UNLIKELY(result < 0) && restart_is_due())
		result = libc_calls.nanosleep(&rest, &rest);
	if (result < 0 && errno == EINTR && remaining &&
	    !caller_memory_put(remaining, &rest, sizeof(rest)))
		errno = EFAULT;
	return result;
}

/* Returns the error instead of setting errno (clock_nanosleep(3)). */
EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                           struct timespec *remaining)
{
	const int saved = errno;
	struct timespec rest = {0};
	int error;

	if (secure_mode_is_on())
		return libc_calls.clock_nanosleep(clock, flags, request, remaining);
	if (first_wait_is_watched())
		first_wait_idly();
	error = libc_calls.clock_nanosleep(clock, flags, request, &rest);
	for (; UNLIKELY(error == EINTR); errno = saved) {
		errno = EINTR;
		if (!restart_is_due())
			break;
		error = libc_calls.clock_nanosleep(clock, flags,
		                                   flags & TIMER_ABSTIME ? request : &rest, &rest);
	}
	errno = saved;
	if (error == EINTR && remaining && !(flags & TIMER_ABSTIME) &&
	    !caller_memory_put(remaining, &rest, sizeof(rest)))
		return EFAULT;
	return error;
}

/* libc's own sleep() would call nanosleep without the wrapper. */
EXPORT unsigned sleep(unsigned seconds)
{
	const struct timespec request = {seconds, 0};
	struct timespec rest = {0};

	if (nanosleep(&request, &rest) == 0)
		return 0;
	return (unsigned)rest.tv_sec + (rest.tv_nsec >= 500000000);
}

EXPORT int usleep(useconds_t microseconds)
{
	const struct timespec request = {microseconds / 1000000, microseconds % 1000000 * 1000L};

	return nanosleep(&request, NULL);
}
