/* SPDX-License-Identifier: MIT */
#include "control/leader.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/signal_names.h"
#include "base/signal_set.h"
#include "base/test_step.h"
#include "drain/drain.h"
#include "generation/generation.h"
#include "generation/lifecycle.h"
#include "generation/members.h"
#include "generation/pidfile.h"
#include "kernel/procfs.h"
#include "signal/dispositions.h"
#include "upgrade/failure.h"
#include "upgrade/handover.h"
#include "upgrade/inheritance.h"
#include "upgrade/spawn.h"

/* A new version that leaves an inherited listener unclaimed may just not have come to it yet: that
 * long after its first wait it is taken at its word. */
#define SETTLE_MS 1000

#define NEVER INT64_MAX

/* The controller thread's own, but for the state, which an exiting thread reads. */
static struct {
	_Atomic int state; /* enum life_state */
	bell *bell;        /* the successor's while it is being born; NULL: this generation's */
	int64_t deadline;
	int64_t settled_at;
	enum request request;              /* what the successor that is being born is for */
	struct generation_page *candidate; /* the successor while it is being born */
	struct generation_page *retired;   /* one that failed, or was followed by another */
} leader = {.deadline = NEVER};

void leader_forked(void)
{
	atomic_store(&leader.state, LIFE_SERVING);
	leader.bell = NULL;
	leader.deadline = NEVER;
	leader.settled_at = 0;
	leader.candidate = NULL;
	leader.retired = NULL;
}

static void set_deadline(int64_t in_ms)
{
	leader.deadline = clock_now_ms() + in_ms;
}

static void set_phase(enum generation_phase phase)
{
	atomic_store(&generation.page->phase, phase);
	bell_ring(&generation.page->bell);
}

/* A handler, or a thread of the server's, may just be reading the page: one stays mapped until the next
 * is retired. */
static void retire_page(struct generation_page *page)
{
	page_drop(leader.retired);
	leader.retired = page;
}

static void start_successor(void)
{
	struct generation_page *page = NULL;

	if (handover_begin(&page) != 0) {
		atomic_store(&leader.state, lifecycle_step(LIFE_STARTING, EVENT_FAILED).next);
		return;
	}
	leader.candidate = page;
	set_phase(PHASE_HANDING_OVER);
	leader.bell = &page->bell;
	(void)test_step("forked");
	log_info("Forked child (%d).", atomic_load(&spawn_report.pid));
	set_deadline(settings.ready_timeout_ms);
}

static void clear_successor_away(void)
{
	struct generation_page *page = leader.candidate;

	(void)test_step("abandoning");
	handover_finish(page, false);
	leader.bell = NULL;
	leader.candidate = NULL;
	leader.deadline = NEVER;
	set_phase(PHASE_SERVING);
	if (atomic_load(&generation.successor) == page)
		atomic_store(&generation.successor, NULL);
	retire_page(page);
}

/* It serves. An earlier one that serves beside us goes its own way. */
static void accept_successor(void)
{
	(void)test_step("accepting_successor");
	retire_page(atomic_exchange(&generation.successor, leader.candidate));
	leader.bell = NULL;
	leader.deadline = NEVER;
	(void)test_step("accepted_successor");
}

static void release_successor(void)
{
	handover_finish(leader.candidate, true);
	leader.candidate = NULL;
}

static void begin_drain(void)
{
	char until[32];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	log_format_time(until, sizeof(until), now.tv_sec + settings.drain_timeout_ms / 1000, '-');
	log_info("Digesting requests will be timed out at %s", until);
	set_deadline(settings.drain_timeout_ms);
	drain_begin(leader.deadline);
}

/* The file names whoever is to get the next signal; it goes with the last generation. */
static void give_up_pidfile(void)
{
	if (generation_predecessor_serves())
		pidfile_hand_back(generation.page->predecessor);
	else if (!generation_successor_lives())
		pidfile_remove();
}

static void leave_generation(void)
{
	struct generation_page *successor = atomic_load(&generation.successor);

	give_up_pidfile();
	set_phase(PHASE_LEFT);
	if (successor) {
		atomic_store(&successor->predecessor_left, 1);
		bell_ring(&successor->bell);
	}
}

static void leave(void)
{
	leader_on_exit();
	libc_calls._exit(0);
}

/* The server's own stop signal, as if it had just been sent: by the server's handler, sigwait or
 * signalfd. One that would only be killed by it has been drained and exits 0 instead. */
static void stop_server(void)
{
	const int sig = settings.stop_signal;
	const bool has_own_way = dispositions_has_own_way(sig);
	sigset_t all;

	drain_report_left();
	drain_end();
	if (leader.candidate)
		release_successor();
	(void)test_step("drained");
	if (!has_own_way) {
		members_signal(generation.page, sig);
		leave();
	}
	give_up_pidfile();
	/* Where the server blocks the signal everywhere, this thread must not be who gets it. */
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (int other = 1; other < 65; other++) {
		if (settings.requests[other] == REQUEST_STOP || other == sig)
			dispositions_release(other, leave);
	}
	set_deadline(settings.stop_timeout_ms);
	(void)libc_calls.kill(generation.pid, sig);
}

static void kill_server(void)
{
	log_error("Server (%d) did not stop within %ld ms of its signal \"%s\": killed.",
	          generation.pid, (long)settings.stop_timeout_ms,
	          signal_text(settings.stop_signal));
	leave_generation();
	members_signal(generation.page, SIGKILL);
	(void)libc_calls.kill(generation.pid, SIGKILL);
}

static void carry_out(enum life_action action, enum life_state state)
{
	switch (action) {
	case ACTION_NONE:
	case ACTION_IMPOSSIBLE:
		break;
	case ACTION_START_SUCCESSOR:
		start_successor();
		break;
	case ACTION_REFUSE:
		log_error("Refused to fork a child: Server (%d) is %s.", generation.pid,
		          lifecycle_state_name(state));
		break;
	case ACTION_STAY_BESIDE:
		accept_successor();
		release_successor();
		set_phase(PHASE_SERVING);
		log_info("Master (%d) is still alive.", generation.pid);
		break;
	case ACTION_ROLL_BACK:
	case ACTION_GIVE_UP_WAITING:
		failure_explain_end(leader.candidate, action == ACTION_GIVE_UP_WAITING);
		clear_successor_away();
		break;
	case ACTION_TAKE_BACK:
		drain_cancel();
		failure_explain_end(leader.candidate, false);
		clear_successor_away();
		break;
	case ACTION_CANCEL_AND_LEAVE:
		log_info("Child (%d) was cancelled: the server is to stop.",
		         atomic_load(&spawn_report.pid));
		clear_successor_away();
		set_deadline(settings.lame_duck_ms);
		break;
	case ACTION_BE_LAME_DUCK:
		set_deadline(settings.lame_duck_ms);
		break;
	case ACTION_HAND_OVER:
		accept_successor();
		log_info("Master (%d) was killed.", generation.pid);
		begin_drain();
		break;
	case ACTION_DRAIN:
		begin_drain();
		break;
	case ACTION_STOP_SERVER:
		stop_server();
		break;
	case ACTION_KILL_SERVER:
		kill_server();
		break;
	}
}

static enum life_state present_state(void)
{
	return (enum life_state)atomic_load(&leader.state);
}

bool leader_is_at_work(void)
{
	return present_state() != LIFE_SERVING;
}

static void feed(enum life_event event)
{
	const enum life_state state = present_state();
	const struct life_step step = lifecycle_step(state, event);

	atomic_store(&leader.state, step.next);
	carry_out(step.action, state);
}

/* While this one lives, a Ctrl-C also reaches the successor, which has a group of its own. */
static void pass_on_to_successor(int sig)
{
	struct generation_page *successor = atomic_load(&generation.successor);
	const pid_t pid = successor ? atomic_load(&successor->leader) : 0;

	if (pid > 0 && getpgid(pid) != getpgrp())
		(void)libc_calls.kill(pid, sig);
}

/* A hang-up of the terminal itself asks nobody for an upgrade: a server that does not ignore it would
 * end. It goes to the session's leader and to the foreground group (tty_ioctl(4)): a successor that
 * still has a group of its own gets none, and what the kernel sends it is meant for a stopped process
 * in a group that has just been orphaned (setpgid(2)). */
static enum request request_of(int sig, bool is_from_terminal)
{
	if (sig != SIGHUP || !is_from_terminal || settings.requests[sig] == REQUEST_NONE)
		return settings.requests[sig];
	if (dispositions_is_ignored(sig) ||
	    (generation.page->predecessor && getpgrp() != generation.page->group))
		return REQUEST_NONE;
	return REQUEST_STOP;
}

static void feed_signal(int sig, bool is_from_terminal)
{
	const enum request request = request_of(sig, is_from_terminal);

	log_info("Server (%d) received signal \"%s\"%s.", generation.pid, signal_text(sig),
	         is_from_terminal ? " from the terminal" : "");
	switch (request) {
	case REQUEST_REPLACE:
	case REQUEST_FORK:
		if (present_state() == LIFE_SERVING)
			leader.request =
				settings.kill_master ? REQUEST_REPLACE : settings.requests[sig];
		feed(settings.requests[sig] == REQUEST_REPLACE ? EVENT_REPLACE : EVENT_FORK);
		break;
	case REQUEST_STOP:
		if (is_from_terminal)
			pass_on_to_successor(sig);
		feed(EVENT_STOP);
		break;
	case REQUEST_NONE:
		break;
	}
}

static void feed_signals(uint64_t pending, uint64_t from_terminal)
{
	FOR_EACH_SIGNAL (sig) {
		if (signal_set_has(pending, sig))
			feed_signal(sig, signal_set_has(from_terminal, sig));
	}
}

bell *leader_bell(void)
{
	return leader.bell ? leader.bell : &generation.page->bell;
}

void leader_report_pid(void)
{
	pidfile_write();
	log_info("The server has started (%d).", generation.pid);
}

static void announce_readiness(void)
{
	(void)test_step("announcing");
	inheritance_close_rest();
	leader_report_pid();
	atomic_store(&generation.page->announced_by, generation.pid);
	atomic_store(&generation.page->is_ready, 1);
	bell_ring(&generation.page->bell);
	(void)test_step("announced");
}

/* Returns how long to wait for more, in ms. */
static int64_t check_readiness(int64_t now)
{
	struct generation_page *page = generation.page;

	if (atomic_load(&page->is_ready) || !atomic_load(&page->is_waiting))
		return NEVER;
	if (inheritance_unclaimed() == 0 && !atomic_load(&page->is_moving)) {
		announce_readiness();
		return NEVER;
	}
	if (!leader.settled_at)
		leader.settled_at = now + SETTLE_MS;
	if (now < leader.settled_at)
		return leader.settled_at - now;
	announce_readiness();
	return NEVER;
}

/* The whole family has ended, or its leader has: workers without a master are no successor. */
static bool candidate_is_dead(void)
{
	const struct generation_page *page = leader.candidate;
	const pid_t pid =
		atomic_load(atomic_load(&page->is_ready) ? &page->announced_by : &page->leader);

	return atomic_load(&spawn_report.has_ended) || (pid > 0 && procfs_is_dead(pid));
}

static void check_successor(void)
{
	const enum life_state state = present_state();

	if (state == LIFE_STARTING && candidate_is_dead())
		feed(EVENT_FAILED);
	else if (state == LIFE_STARTING && atomic_load(&leader.candidate->is_ready))
		feed(leader.request == REQUEST_REPLACE ? EVENT_READY_TO_REPLACE
		                                       : EVENT_READY_BESIDE);
	/* Until this one stops accepting it can still serve on. */
	if (present_state() == LIFE_HANDED_OVER && leader.candidate && candidate_is_dead())
		feed(EVENT_FAILED);
}

static int64_t check_drain(void)
{
	int64_t wait_ms = NEVER;
	bool is_drained;

	if (present_state() != LIFE_HANDED_OVER && present_state() != LIFE_DRAINING)
		return NEVER;
	is_drained = drain_step(&wait_ms);
	if (leader.candidate && drain_has_stopped_accepting())
		release_successor();
	if (is_drained)
		feed(EVENT_DRAINED);
	return wait_ms;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t leader_step(uint64_t pending, uint64_t from_terminal)
{
	int64_t wait_ms;

	feed_signals(pending, from_terminal);
	check_successor();
	if (clock_now_ms() >= leader.deadline) {
		leader.deadline = NEVER;
		feed(EVENT_TIMED_OUT);
	}
	wait_ms = check_drain();
	wait_ms = smaller(wait_ms, check_readiness(clock_now_ms()));
	if (leader.deadline != NEVER)
		wait_ms = smaller(wait_ms, leader.deadline - clock_now_ms());
	return wait_ms < 0 ? 0 : wait_ms;
}

void leader_on_exit(void)
{
	if (present_state() >= LIFE_LAME_DUCK) {
		leave_generation();
		log_info("The server has shut down.");
		return;
	}
	/* It exits of its own accord. A daemon's first process does: then its child leads on. */
	pidfile_remove();
	atomic_store(&generation.page->leader, 0);
	bell_ring(&generation.page->bell);
}
