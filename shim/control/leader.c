/* SPDX-License-Identifier: MIT */
/* Over 300 lines: one round, from what has come to what is done about it. */
#include "control/leader.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/signal_names.h"
#include "base/signal_set.h"
#include "control/asked.h"
#include "control/ending.h"
#include "control/leader_state.h"
#include "control/readiness.h"
#include "control/successor.h"
#include "drain/drain.h"
#include "generation/generation.h"
#include "generation/lifecycle.h"
#include "kernel/credentials.h"
#include "kernel/sandbox.h"
#include "signal/branch.h"
#include "upgrade/broker.h"
#include "upgrade/spawn.h"

/* So often a successor is looked at that somebody waits for: one that may live on, or that leaves. */
#define SUCCESSOR_TICK_MS 5

/* A process that asks for a listener waits so long. */
#define BROKER_TICK_MS 2

/* A request that was put off is looked at so often. */
#define PUT_OFF_TICK_MS 20
#define UNWATCHED_TICK_MS 50 /* where nobody tells when the candidate ends */

/* Requests for a successor that came before this one was accepted. */
static struct leader_signals put_off;

void leader_forked(void)
{
	drain_forked();
	leader_state_forked();
	successor_forked();
	readiness_forked();
	put_off = (struct leader_signals){0};
}

bool leader_is_at_work(void)
{
	return leader_state() != LIFE_SERVING;
}

static void start_successor(enum request request)
{
	if (successor_start(request) != 0) {
		leader_state_set(lifecycle_step(LIFE_STARTING, EVENT_FAILED).next);
		return;
	}
	leader_state_set_deadline(settings.ready_timeout_ms);
}

static void clear_successor_away(void)
{
	successor_clear_away();
	leader_state_set_deadline(NEVER);
}

static void accept_successor(void)
{
	successor_accept();
	leader_state_set_deadline(NEVER);
}

/* REQUEST says what to start a successor for, if ACTION starts one. */
static void carry_out(enum life_action action, enum life_state state, enum request request)
{
	switch (action) {
	case ACTION_NONE:
	case ACTION_IMPOSSIBLE:
		break;
	case ACTION_START_SUCCESSOR:
		start_successor(request);
		break;
	case ACTION_REFUSE:
		log_error("Refused to fork a child: Server (%d) is %s.", generation.pid,
		          lifecycle_state_name(state));
		break;
	case ACTION_STAY_BESIDE:
		accept_successor();
		successor_release();
		leader_state_set_phase(PHASE_SERVING);
		log_info("Master (%d) is still alive.", generation.pid);
		break;
	case ACTION_ROLL_BACK:
	case ACTION_GIVE_UP_WAITING:
		successor_explain_failure(action == ACTION_GIVE_UP_WAITING);
		clear_successor_away();
		break;
	case ACTION_TAKE_BACK:
		drain_cancel();
		successor_explain_failure(false);
		clear_successor_away();
		break;
	case ACTION_CANCEL_AND_LEAVE:
		log_info("Child (%d) was cancelled: the server is to stop.",
		         atomic_load(&spawn_report.pid));
		successor_cancel();
		leader_state_set_deadline(settings.lame_duck_ms);
		break;
	case ACTION_BE_LAME_DUCK:
		leader_state_set_deadline(settings.lame_duck_ms);
		break;
	case ACTION_HAND_OVER:
		accept_successor();
		log_info("Master (%d) was killed.", generation.pid);
		ending_drain();
		break;
	case ACTION_DRAIN:
		ending_drain();
		break;
	case ACTION_STOP_SERVER:
		ending_stop_server();
		break;
	case ACTION_KILL_SERVER:
		ending_kill_server();
		break;
	}
}

static void feed_request(enum life_event event, enum request request)
{
	const enum life_state state = leader_state();
	const struct life_step step = lifecycle_step(state, event);

	leader_state_set(step.next);
	carry_out(step.action, state, request);
}

static void feed(enum life_event event)
{
	feed_request(event, REQUEST_NONE);
}

/* A version that asks for its own successor as soon as it serves would be the first of a chain
 * without end. */
static bool is_chain(enum request request, bool is_from_within)
{
	if (!is_from_within || request == REQUEST_STOP || request == REQUEST_NONE)
		return false;
	log_error(
		"Refused to fork a child: Server (%d) has served for less than a second, and a process of its own asks, or one that has ended.",
		generation.pid);
	return true;
}

static void feed_signal(int sig, bool is_from_terminal, bool is_from_within)
{
	const enum request request = asked_request(sig, is_from_terminal);

	if (generation.is_branch)
		branch_leave_conductor();
	else
		log_info("Server (%d) received signal \"%s\"%s.", generation.pid, signal_text(sig),
		         is_from_terminal ? " from the terminal" : "");
	if (is_chain(request, is_from_within))
		return;
	switch (request) {
	case REQUEST_REPLACE:
		feed_request(EVENT_REPLACE, REQUEST_REPLACE);
		break;
	case REQUEST_FORK:
		feed_request(EVENT_FORK, settings.kill_master ? REQUEST_REPLACE : REQUEST_FORK);
		break;
	case REQUEST_STOP:
		if (is_from_terminal)
			successor_pass_on(sig);
		if (generation.is_branch)
			settings.stop_signal = sig;
		feed(EVENT_STOP);
		break;
	case REQUEST_NONE:
		break;
	}
}

static void feed_or_put_off(int sig, const struct leader_signals *signals)
{
	const bool is_from_terminal = signal_set_has(signals->from_terminal, sig);
	const bool is_from_within = signal_set_has(signals->from_within, sig);

	if (is_from_within || !asked_too_early(sig, is_from_terminal)) {
		feed_signal(sig, is_from_terminal, is_from_within);
		return;
	}
	put_off.pending |= SIGNAL_BIT(sig);
	put_off.from_terminal |= is_from_terminal ? SIGNAL_BIT(sig) : 0;
}

static void feed_signals(const struct leader_signals *signals)
{
	FOR_EACH_SIGNAL (sig) {
		if (signal_set_has(signals->pending, sig))
			feed_or_put_off(sig, signals);
	}
}

static void feed_put_off(void)
{
	const struct leader_signals signals = put_off;

	put_off = (struct leader_signals){0};
	feed_signals(&signals);
}

static void check_successor(void)
{
	if (leader_state() == LIFE_STARTING && successor_is_dead())
		feed(EVENT_FAILED);
	else if (leader_state() == LIFE_STARTING && successor_is_ready())
		feed(successor_request() == REQUEST_REPLACE ? EVENT_READY_TO_REPLACE
		                                            : EVENT_READY_BESIDE);
	/* Until this generation stops accepting, it can still serve on. */
	if (leader_state() == LIFE_HANDED_OVER && successor_is_candidate() && successor_is_dead())
		feed(EVENT_FAILED);
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t check_drain(void)
{
	int64_t wait_ms = NEVER;
	bool is_drained;

	if (leader_state() != LIFE_HANDED_OVER && leader_state() != LIFE_DRAINING)
		return NEVER;
	if (!drain_has_stopped_accepting() && successor_is_in_doubt())
		return SUCCESSOR_TICK_MS;
	/* Where the kernel would kill the server for a drain, it stops at once. */
	is_drained = sandbox_deadly_for_controller(SANDBOX_CONTROLLER) || drain_step(&wait_ms);
	if (successor_is_leaving())
		return smaller(wait_ms, SUCCESSOR_TICK_MS);
	if (drain_has_stopped_accepting())
		successor_release();
	if (is_drained)
		feed(EVENT_DRAINED);
	return wait_ms;
}

static void check_deadline(void)
{
	if (clock_now_ms() < leader_state_deadline())
		return;
	if (leader_state() == LIFE_LAME_DUCK && successor_may_still_accept()) {
		leader_state_set_deadline(SUCCESSOR_TICK_MS);
		return;
	}
	leader_state_set_deadline(NEVER);
	feed(EVENT_TIMED_OUT);
}

/* The master's word is no second signal: a drain that is under way goes on. */
static void feed_word(int word)
{
	if (!generation.is_branch)
		return;
	if (word && leader_state() == LIFE_SERVING)
		feed(EVENT_STOP);
	else if (word == BRANCH_STOP && leader_state() == LIFE_STOPPING)
		ending_stop_held();
}

int64_t leader_step(const struct leader_signals *signals)
{
	int64_t wait_ms;

	credentials_follow();
	feed_put_off();
	feed_signals(signals);
	feed_word(branch_take_request());
	check_successor();
	check_deadline();
	wait_ms = smaller(check_drain(), broker_answer() ? BROKER_TICK_MS : NEVER);
	wait_ms = smaller(wait_ms, readiness_check(clock_now_ms()));
	if (leader_state_deadline() != NEVER)
		wait_ms = smaller(wait_ms, leader_state_deadline() - clock_now_ms());
	if (successor_is_unwatched())
		wait_ms = smaller(wait_ms, UNWATCHED_TICK_MS);
	if (put_off.pending)
		wait_ms = smaller(wait_ms, PUT_OFF_TICK_MS);
	return wait_ms < 0 ? 0 : wait_ms;
}
