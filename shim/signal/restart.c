/* SPDX-License-Identifier: MIT */
#include "signal/restart.h"

#include <errno.h>
#include <stdint.h>

#include "base/clock.h"
#include "signal/dispositions.h"
#include "signal/own_dispositions.h"

bool restart_is_due(void)
{
	return errno == EINTR && dispositions_taken() && !own_disposition_has_interrupted() &&
	       !dispositions_expects_interrupts();
}

struct restart restart_begin(int64_t limit_ns)
{
	return (struct restart){limit_ns,
	                        limit_ns > 0 && dispositions_taken() ? clock_coarse_now_ns() : 0};
}

bool restart_goes_on(const struct restart *restart)
{
	return restart_is_due() && (restart->limit_ns == RESTART_FOREVER || restart->begun_ns);
}

int64_t restart_rest(int64_t limit_ns, int64_t passed_ns)
{
	return limit_ns > passed_ns ? limit_ns - passed_ns : 0;
}

int64_t restart_rest_ns(const struct restart *restart)
{
	if (restart->limit_ns <= 0)
		return restart->limit_ns;
	return restart_rest(restart->limit_ns,
	                    restart->begun_ns ? clock_coarse_now_ns() - restart->begun_ns : 0);
}

int restart_rest_ms(const struct restart *restart)
{
	const int64_t rest = restart_rest_ns(restart);

	return rest < 0 ? RESTART_FOREVER : (int)((rest + NS_PER_MS - 1) / NS_PER_MS);
}

int64_t restart_from_ms(int ms)
{
	return ms < 0 ? RESTART_FOREVER : ms * NS_PER_MS;
}

int64_t restart_from_timespec(const struct timespec *limit)
{
	if (!limit || limit->tv_sec < 0 || limit->tv_sec > INT32_MAX)
		return RESTART_FOREVER;
	return limit->tv_sec * NS_PER_S + limit->tv_nsec;
}
