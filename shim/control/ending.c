/* SPDX-License-Identifier: MIT */
#include "control/ending.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/signal_names.h"
#include "base/signal_set.h"
#include "control/leader_state.h"
#include "control/successor.h"
#include "drain/drain.h"
#include "drain/drain_report.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "generation/news.h"
#include "generation/pidfile.h"
#include "kernel/masks.h"
#include "signal/branch.h"
#include "signal/branches.h"
#include "signal/dispositions.h"
#include "signal/wake_signal.h"

/* How long such a handler may take. */
#define HANDLER_MS 100

void ending_drain(void)
{
	char until[32];

	log_format_time(until, sizeof(until), clock_date() + settings.drain_timeout_ms / 1000, '-');
	if (!generation.is_branch)
		log_info("Digesting requests will be timed out at %s", until);
	leader_state_set_deadline(settings.drain_timeout_ms);
	drain_begin(leader_state_deadline());
}

/* The file names the process that gets the next signal. The last generation removes it. */
static void give_up_pidfile(void)
{
	if (generation_predecessor_serves())
		pidfile_hand_back(generation.lineage.predecessor.pid);
	else if (!generation_successor_lives())
		pidfile_remove();
}

static void leave_generation(void)
{
	const struct successor *successor = atomic_load(&generation.successor);
	struct birth *birth = atomic_load(&generation.birth);

	give_up_pidfile();
	leader_state_set_phase(PHASE_LEFT);
	branches_stop();
	if (birth && !generation.is_branch)
		atomic_store(&birth->successor_left, 1);
	if (successor) {
		atomic_store(&successor->birth->predecessor_left, 1);
		bell_ring(&successor->birth->bell);
	}
}

static void leave(void)
{
	ending_on_exit();
	libc_calls._exit(0);
}

/* A word (branches.h) interrupts a call of the server's, which is made again. If the stop signal came while the
 * word's handler runs, the call would be made again all the same, and a server that looks for its signals only
 * between two calls would sleep on. */
static void let_handler_return(void)
{
	const int64_t end = clock_now_ms() + HANDLER_MS;

	if (!generation.is_branch && !branches_exist())
		return;
	while (masks_block(SIGNAL_BIT(settings.stop_signal)) && clock_now_ms() < end)
		(void)clock_sleep(NS_PER_MS);
}

static void send_stop_signal(void)
{
	leader_state_set_deadline(settings.stop_timeout_ms);
	(void)libc_calls.kill(generation.pid, settings.stop_signal);
}

void ending_stop_server(void)
{
	const int sig = settings.stop_signal;
	const bool has_own_way = dispositions_has_own_way(sig);
	sigset_t all;

	if (drain_has_stopped_accepting())
		drain_report_end();
	drain_end();
	successor_release();
	let_handler_return();
	(void)failpoint("drained");
	if (!has_own_way && !branch_is_conducted()) {
		members_signal(sig);
		leave();
	}
	give_up_pidfile();
	/* If all the server's threads block the signal, this thread must not receive it. */
	sigfillset(&all);
	(void)libc_calls.pthread_sigmask(SIG_SETMASK, &all, NULL);
	FOR_EACH_SIGNAL (other) {
		if (settings.requests[other] == REQUEST_STOP || other == sig)
			dispositions_release(other, leave);
	}
	if (branch_is_conducted()) {
		leader_state_set_deadline(NEVER);
		(void)branch_tell(BRANCH_HAS_DRAINED, 0);
		return;
	}
	send_stop_signal();
}

void ending_stop_held(void)
{
	let_handler_return();
	send_stop_signal();
}

bool ending_has_begun(void)
{
	return atomic_load(&news()->is_stopping) || leader_state() == LIFE_STOPPING;
}

void ending_kill_server(void)
{
	log_error("Server (%d) did not stop within %ld ms of its signal \"%s\": killed.",
	          generation.pid, (long)settings.stop_timeout_ms,
	          signal_text(settings.stop_signal));
	leave_generation();
	members_signal(SIGKILL);
	(void)libc_calls.kill(generation.pid, SIGKILL);
}

void ending_on_exit(void)
{
	if (leader_state() >= LIFE_LAME_DUCK) {
		leave_generation();
		if (!generation.is_branch)
			log_info("The server has shut down.");
		return;
	}
	/* The server exits by itself. The first process of a daemon does so; then its child leads
	 * on. */
	pidfile_remove();
	atomic_store(&news_own()->leader, 0);
	if (atomic_load(&generation.birth) && !generation.is_branch)
		atomic_store(&atomic_load(&generation.birth)->leader, 0);
	wake_signal_tell();
}
