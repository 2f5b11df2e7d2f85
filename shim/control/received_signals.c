/* SPDX-License-Identifier: MIT */
#include "control/received_signals.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/interpose.h"
#include "base/settings.h"
#include "base/signal_set.h"
#include "control/readiness.h"
#include "generation/generation.h"
#include "generation/news.h"
#include "kernel/ancestry.h"
#include "kernel/sandbox.h"

/* As leader_signals. Signal handlers write it. */
static struct {
	_Atomic uint64_t pending, from_terminal, from_within;
} received;

/* Of a sender that has ended meanwhile nobody knows whose it was. A sender in another pid namespace
 * has the pid 0. */
static bool is_ours_or_gone(pid_t sender)
{
	return sender > 0 && (ancestry_descends(sender, generation.pid) ||
	                      (libc_calls.kill(sender, 0) != 0 && errno == ESRCH));
}

static bool is_from_within(const siginfo_t *info)
{
	return readiness_is_young() && !sandbox_is_tight() && is_ours_or_gone(info->si_pid);
}

void received_signals_add(int sig, const siginfo_t *info)
{
	if (info && info->si_code == SI_KERNEL)
		atomic_fetch_or(&received.from_terminal, SIGNAL_BIT(sig));
	else if (info && is_from_within(info))
		atomic_fetch_or(&received.from_within, SIGNAL_BIT(sig));
	else if (settings.requests[sig] == REQUEST_STOP)
		atomic_store(&news_own()->is_asked_to_stop, 1);
	atomic_fetch_or(&received.pending, SIGNAL_BIT(sig));
}

void received_signals_remove(int sig)
{
	atomic_fetch_and(&received.pending, ~SIGNAL_BIT(sig));
}

bool received_signals_wait(void)
{
	return atomic_load(&received.pending) != 0;
}

struct leader_signals received_signals_take(void)
{
	const uint64_t pending = atomic_exchange(&received.pending, 0);

	return (struct leader_signals){
		pending,
		atomic_fetch_and(&received.from_terminal, ~pending) & pending,
		atomic_fetch_and(&received.from_within, ~pending) & pending,
	};
}

void received_signals_forked(void)
{
	atomic_store(&received.pending, 0);
	atomic_store(&received.from_terminal, 0);
	atomic_store(&received.from_within, 0);
}
