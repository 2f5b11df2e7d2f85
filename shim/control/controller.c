/* SPDX-License-Identifier: MIT */
#include "control/controller.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>

#include "base/bell.h"
#include "base/errno_names.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/signal_set.h"
#include "control/alone.h"
#include "control/asked.h"
#include "control/ending.h"
#include "control/heir.h"
#include "control/leader.h"
#include "control/leader_state.h"
#include "control/outside_stop.h"
#include "control/presence.h"
#include "control/readiness.h"
#include "control/received_signals.h"
#include "control/successor.h"
#include "control/worker.h"
#include "generation/doorbell.h"
#include "generation/generation.h"
#include "generation/children.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "generation/parent.h"
#include "kernel/light_thread.h"
#include "kernel/listeners.h"
#include "kernel/sandbox.h"
#include "signal/dispositions.h"
#include "signal/hold_back.h"
#include "signal/wake_signal.h"
#include "upgrade/inheritance.h"

#define SILENT_TICK_MS 100

/* How often to look whether the server has received a signal that is held back. */
#define HELD_TICK_MS 100

static struct {
	_Atomic(bell *) bell; /* the thread sleeps on it; see next_bell() */
	bell own_bell;        /* a worker's: no other process has a part in it */
	_Atomic bool is_at_work;
	_Atomic int silences;  /* how often it was told to look by itself */
	_Atomic uint32_t seen; /* the bell, at its begin */
} controller;

/* Returns -errno if there is no thread. */
static int wake(void)
{
	bell *word = atomic_load(&controller.bell);
	int result;

	/* The thread is there, and looks by itself. */
	if (sandbox_is_tight())
		return 0;
	result = light_thread_start();
	if (result > 0 && word)
		bell_ring(word);
	return result;
}

static bool cannot_be_served(int sig, int error)
{
	received_signals_remove(sig);
	if (settings.requests[sig] == REQUEST_STOP) {
		log_error("No thread for the controller (%s): stopping without a drain.",
		          errno_name(-error));
		return false;
	}
	log_error("Unable to fork a child: no thread for the controller (%s).", errno_name(-error));
	return true;
}

bool controller_note_signal(int sig, const siginfo_t *info)
{
	int error;

	received_signals_add(sig, info);
	error = wake();
	return error >= 0 || cannot_be_served(sig, error);
}

void controller_wake(void)
{
	(void)wake();
}

void controller_note_mask(void)
{
	if (atomic_load(&generation.role) != ROLE_LEADER || getpid() != generation.pid)
		return;
	presence_note_mask();
	(void)wake();
}

void controller_look_by_itself(bool begins)
{
	atomic_fetch_add(&controller.silences, begins ? 1 : -1);
	if (begins)
		controller_wake();
}

bool controller_is_at_work(void)
{
	return atomic_load(&controller.is_at_work) || leader_is_at_work() ||
	       atomic_load(&news()->phase) != PHASE_SERVING;
}

void controller_forked(void)
{
	atomic_store(&controller.is_at_work, false);
	received_signals_forked();
	hold_back_forked();
	light_thread_forked();
	presence_forked();
	leader_forked();
	worker_forked();
	outside_stop_forked();
	atomic_store(&controller.bell, &controller.own_bell);
}

/* The server may block these signals in all its own threads; then this thread takes them. Not once
 * a round: a signal that is held back must stay blocked. */
static void take_blocked_signals(void)
{
	const sigset_t set = signal_set_to_sigset(dispositions_taken());

	if (atomic_load(&generation.role) != ROLE_LEADER)
		return;
	hold_back_begin(controller_wake);
	(void)libc_calls.pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* The candidate's bell until it is accepted. A new generation needs its workers until it is ready,
 * and then hears its predecessor. */
static bell *next_bell(void)
{
	struct birth *birth = atomic_load(&generation.birth);

	if (successor_bell())
		return successor_bell();
	if (birth && atomic_load(&news()->is_ready))
		return &birth->bell;
	return doorbell ? &doorbell->bell : &controller.own_bell;
}

static int64_t lead(void)
{
	struct leader_signals signals = received_signals_take();
	int64_t wait_ms;

	signals.pending |= asked_to_leave();
	wait_ms = leader_step(&signals);
	atomic_store(&controller.bell, next_bell());
	if (wait_ms > DOORBELL_TICK_MS && children_exist() &&
	    (leader_is_at_work() || !atomic_load(&news()->is_ready)))
		wait_ms = DOORBELL_TICK_MS;
	return dispositions_refresh_held() && wait_ms > HELD_TICK_MS ? HELD_TICK_MS : wait_ms;
}

static int64_t work(void)
{
	const int64_t stop_in_ms = outside_stop_step();

	if (generation.is_daemonizing && atomic_load(&news()->is_ready))
		inheritance_close_rest();
	if (!heir_leads_on())
		return worker_settle(worker_step(stop_in_ms));
	dispositions_take(controller_note_signal);
	take_blocked_signals();
	heir_tell();
	return 0;
}

/* Where the server's threads may not ring, this thread looks by itself. */
static int64_t limit_wait(int64_t wait_ms)
{
	if (wait_ms > SILENT_TICK_MS && atomic_load(&controller.silences) > 0)
		return SILENT_TICK_MS;
	return wait_ms == NEVER ? -1 : wait_ms;
}

/* Returns for how many ms at most to sleep. */
static int64_t do_round(void)
{
	int64_t wait_ms;

	atomic_store(&controller.is_at_work, true);
	alone_check();
	wait_ms = atomic_load(&generation.role) == ROLE_LEADER ? lead() : work();
	atomic_store(&controller.is_at_work, false);
	return wait_ms;
}

/* Made again, the thread must also take what has come in the meantime. */
static bool has_news(void)
{
	return received_signals_wait() || outside_stop_waits() ||
	       atomic_load(atomic_load(&controller.bell)) != atomic_load(&controller.seen);
}

static bool may_end(int64_t *wait_ms)
{
	if (atomic_load(&controller.silences) > 0 || presence_is_needed(wait_ms))
		return false;
	if (light_thread_may_end(has_news))
		return true;
	/* It has blocked all signals. */
	take_blocked_signals();
	return false;
}

void controller_run(void)
{
	(void)libc_calls.prctl(PR_SET_NAME, "octopus", 0, 0, 0);
	take_blocked_signals();
	for (;;) {
		bell *word = atomic_load(&controller.bell);
		int64_t wait_ms;

		atomic_store(&controller.seen, atomic_load(word));
		wait_ms = do_round();
		if (wait_ms <= 0 || word != atomic_load(&controller.bell) ||
		    received_signals_wait())
			continue;
		if (may_end(&wait_ms))
			return;
		bell_wait(word, atomic_load(&controller.seen), limit_wait(wait_ms));
	}
}

static int prepare_thread(void)
{
	const int error = light_thread_prepare(controller_run);

	sandbox_controller_starts();
	atomic_store(&controller.bell, atomic_load(&generation.role) == ROLE_LEADER
	                                       ? next_bell()
	                                       : &controller.own_bell);
	alone_begin();
	return error;
}

int controller_start(void)
{
	int error, result;

	parent_leave_if_unfollowed();
	error = prepare_thread();
	result = error ? error : light_thread_start();
	return result < 0 ? result : 0;
}

/* The leader writes its news before it looks for members, and this looks at them after it has become
 * one. */
static int attach(void)
{
	const int error = prepare_thread();

	return error || !presence_is_needed_in_worker() ? error : light_thread_start();
}

void controller_attach(void)
{
	int error;

	wake_signal_arm(controller_wake);
	outside_stop_begin(wake);
	membership_join(MEMBER_WORKER);
	worker_begin_to_settle();
	/* A daemon's child may have opened some of its ports only. */
	if (!generation.is_daemonizing && !generation_is_heir()) {
		inheritance_close_rest();
		generation_leave_birth();
	}
	error = attach();
	if (error < 0) {
		log_error("Worker (%d) has no controller (%s): it cannot stop accepting by itself.",
		          generation.pid, errno_name(-error));
		membership_leave(true);
	}
}

void controller_on_exit(void)
{
	const bool is_tight = sandbox_is_tight();

	if (!generation_is_known() || (!is_tight && getpid() != generation.pid))
		return;
	if (!is_tight && atomic_load(&generation.role) == ROLE_LEADER)
		ending_on_exit();
	else
		membership_leave(false);
}
