/* SPDX-License-Identifier: MIT */
#include "control/outside_stop.h"

#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "base/signal_set.h"
#include "base/text.h"
#include "generation/generation.h"
#include "generation/news.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"
#include "signal/handlers.h"

/* Whoever signals all processes of a unit takes some ms for it. */
#define ALONE_MS 300
#define TICK_MS 10

static struct {
	int (*wake)(void);
	siginfo_t infos[SIGNAL_LAST + 1]; /* of those that wait */
	_Atomic uint64_t waiting;
	_Atomic uint64_t own; /* sent again: the server's */
	_Atomic int64_t since;
} outside_stop;

static bool is_from_outside(const siginfo_t *info)
{
	const pid_t sender = info->si_pid;

	return (info->si_code == SI_USER || info->si_code == SI_QUEUE) && sender != getpid() &&
	       sender != libc_calls.getppid() && sender != atomic_load(&news()->leader);
}

static bool has_leader(void)
{
	const pid_t leader = atomic_load(&news()->leader);

	return leader > 0 && leader != getpid() && !procfs_is_dead(leader);
}

void outside_stop_begin(int (*wake)(void))
{
	outside_stop.wake = wake;
	handlers_hold_by(outside_stop_note);
}

bool outside_stop_note(int sig, siginfo_t *info)
{
	const uint64_t bit = SIGNAL_BIT(sig);

	if (atomic_fetch_and(&outside_stop.own, ~bit) & bit)
		return false;
	if (sandbox_is_tight() || !is_from_outside(info) || !has_leader())
		return false;
	if (signal_set_has(atomic_load(&outside_stop.waiting), sig))
		return true;
	outside_stop.infos[sig] = *info;
	atomic_store(&outside_stop.since, clock_now_ms());
	atomic_fetch_or(&outside_stop.waiting, bit);
	if (outside_stop.wake() >= 0)
		return true;
	return !(atomic_fetch_and(&outside_stop.waiting, ~bit) & bit);
}

bool outside_stop_waits(void)
{
	return atomic_load(&outside_stop.waiting) != 0;
}

/* The leader has the signal and has not run since. */
static bool leader_has_pending(uint64_t waiting)
{
	char path[32];
	uint64_t pending = 0;

	text_format(path, sizeof(path), "/proc/%d/status", atomic_load(&news()->leader));
	return procfs_read_mask(path, "ShdPnd:", &pending) == 0 && (pending & waiting);
}

/* A thread may send any siginfo to itself, and the signal is its process's then
 * (do_rt_sigqueueinfo() in the kernel's kernel/signal.c). This thread blocks it. */
static void send_again(int sig)
{
	atomic_fetch_or(&outside_stop.own, SIGNAL_BIT(sig));
	(void)RAW3(SYS_rt_sigqueueinfo, RAW0(SYS_gettid), sig, &outside_stop.infos[sig]);
}

int64_t outside_stop_step(void)
{
	uint64_t waiting = atomic_load(&outside_stop.waiting);

	if (!waiting)
		return INT64_MAX;
	if (atomic_load(&news()->is_asked_to_stop)) {
		atomic_store(&outside_stop.waiting, 0);
		return INT64_MAX;
	}
	if (has_leader() && (clock_now_ms() - atomic_load(&outside_stop.since) < ALONE_MS ||
	                     leader_has_pending(waiting)))
		return TICK_MS;
	waiting = atomic_exchange(&outside_stop.waiting, 0);
	FOR_EACH_SIGNAL (sig) {
		if (signal_set_has(waiting, sig))
			send_again(sig);
	}
	return INT64_MAX;
}

void outside_stop_forked(void)
{
	atomic_store(&outside_stop.waiting, 0);
	atomic_store(&outside_stop.own, 0);
	handlers_hold_by(NULL);
}
