/* SPDX-License-Identifier: MIT */
#include "signal/restart.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/raw_syscall.h"
#include "base/signal_set.h"
#include "generation/generation.h"
#include "signal/dispositions.h"
#include "signal/our_interrupts.h"
#include "signal/own_dispositions.h"
#include "signal/wake_signal.h"

static bool is_due(bool is_surely_ours)
{
	return errno == EINTR && (dispositions_taken() || wake_signal_is_armed()) &&
	       !own_disposition_has_interrupted() &&
	       (is_surely_ours || !dispositions_expects_interrupts());
}

bool restart_is_due(void)
{
	return is_due(false);
}

/* The first two fields of the kernel's struct sigaction (rt_sigaction(2)). */
struct kernel_action {
	long handler;
	unsigned long flags;
	long rest[2];
};

static bool is_handled(int sig, struct kernel_action *ret_action)
{
	return RAW4(SYS_rt_sigaction, sig, NULL, ret_action, sizeof(uint64_t)) == 0 &&
	       ret_action->handler != (long)SIG_DFL && ret_action->handler != (long)SIG_IGN;
}

bool restart_mask(uint64_t *ret_mask)
{
	bool some_interrupt = false;
	uint64_t restarting = 0;

	if (!dispositions_expects_interrupts())
		return false;
	FOR_EACH_SIGNAL (sig) {
		struct kernel_action action = {
			0}; /* an analyser does not see the kernel write it */

		if (!is_handled(sig, &action))
			continue;
		if (action.flags & SA_RESTART)
			restarting |= SIGNAL_BIT(sig);
		else
			some_interrupt = true;
	}
	if (!some_interrupt ||
	    RAW4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, ret_mask, sizeof(*ret_mask)) != 0)
		return false;
	*ret_mask |= restarting;
	return true;
}

struct restart restart_begin(int64_t limit_ns, bool has_mask)
{
	const bool is_measured = limit_ns > 0 && (dispositions_taken() || generation_may_share());

	our_interrupts_begin();
	return (struct restart){.limit_ns = limit_ns,
	                        .begun_ns = is_measured ? clock_coarse_now_ns() : 0,
	                        .has_mask = has_mask,
	                        .error = errno};
}

bool restart_goes_on(const struct restart *restart)
{
	const bool is_ours = !restart->has_mask && our_interrupts_came();

	if (!is_due(is_ours) || (restart->limit_ns != RESTART_FOREVER && !restart->begun_ns))
		return false;
	our_interrupts_begin();
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

bool restart_has_time(const struct restart *restart, const struct timespec *limit)
{
	struct timespec rest;

	if (restart->limit_ns == RESTART_FOREVER || !restart->begun_ns)
		return restart->limit_ns == RESTART_FOREVER;
	if (restart->limit_ns != RESTART_BY_TIMESPEC)
		return restart_rest_ms(restart) > 0;
	limit = restart_rest(restart, limit, &rest);
	return limit->tv_sec > 0 || limit->tv_nsec > 0;
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
