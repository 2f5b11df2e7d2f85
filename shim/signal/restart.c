/* SPDX-License-Identifier: MIT */
#include "signal/restart.h"

#include <errno.h>
#include <stdint.h>

#include "base/clock.h"
#include "signal/dispositions.h"
#include "signal/own_dispositions.h"
#include "signal/wake_signal.h"

bool restart_is_due(void)
{
	return errno == EINTR && (dispositions_taken() || wake_signal_is_armed()) &&
	       !own_disposition_has_interrupted() && !dispositions_expects_interrupts();
}

struct restart restart_begin(int64_t limit_ns)
{
	return (struct restart){
		limit_ns, limit_ns > 0 && dispositions_taken() ? clock_coarse_now_ns() : 0, errno};
}

bool restart_goes_on(const struct restart *restart)
{
	if (!restart_is_due() || (restart->limit_ns != RESTART_FOREVER && !restart->begun_ns))
		return false;
	/* A call that succeeds leaves it alone, and who looks at it finds no EINTR. */
	errno = restart->error;
	return true;
}

static int64_t passed_ns(const struct restart *restart)
{
	return restart->begun_ns ? clock_coarse_now_ns() - restart->begun_ns : 0;
}

static int64_t rest_ns(int64_t limit_ns, int64_t passed)
{
	return limit_ns > passed ? limit_ns - passed : 0;
}

int restart_rest_ms(const struct restart *restart)
{
	if (restart->limit_ns < 0)
		return RESTART_FOREVER;
	return (int)((rest_ns(restart->limit_ns, passed_ns(restart)) + NS_PER_MS - 1) / NS_PER_MS);
}

const struct timespec *restart_rest(const struct restart *restart, const struct timespec *limit,
                                    struct timespec *ret_rest)
{
	return restart_rest_of(limit, passed_ns(restart), ret_rest);
}

const struct timespec *restart_rest_of(const struct timespec *limit, int64_t passed,
                                       struct timespec *ret_rest)
{
	if (!limit || limit->tv_sec < 0 || limit->tv_sec > INT32_MAX)
		return limit;
	*ret_rest = clock_to_timespec(rest_ns(limit->tv_sec * NS_PER_S + limit->tv_nsec, passed));
	return ret_rest;
}

int64_t restart_from_ms(int ms)
{
	return ms < 0 ? RESTART_FOREVER : ms * NS_PER_MS;
}
