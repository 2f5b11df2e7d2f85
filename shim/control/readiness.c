/* SPDX-License-Identifier: MIT */
#include "control/readiness.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/settings.h"
#include "control/coverage.h"
#include "control/candidate.h"
#include "control/leader_state.h"
#include "control/settling.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "generation/pidfile.h"
#include "signal/branch.h"
#include "signal/branches.h"
#include "upgrade/inheritance.h"

/* How long a child that has left the session, as daemons do, may take to lead in its parent's place. */
#define MOVE_MS 1000

/* A server that opens its ports one after another without a pause in between is worth no line. */
#define LOG_AFTER_MS 1000

/* Nobody rings when a port is claimed. */
#define SETTLE_TICK_MS 100

#define MS_PER_S 1000
#define YOUNG_MS 1000

/* The controller thread's own. */
static struct settle {
	int64_t first_wait; /* monotonic ms; 0: none yet */
	bool is_logged;
} settle;

/* Monotonic ms; 0: not announced yet. */
static _Atomic int64_t announced_at;

/* Whoever was handed nothing has no part in the server whose process has started it. */
static void tell_of_outer(void)
{
	if (candidate_has_refused())
		log_error(
			"This new version (%d) was not handed anything by Server (%d), which keeps the pid file: it cannot take over.",
			generation.pid, generation.lineage.outer);
	else
		log_info("A helper of Server (%d) has started (%d).", generation.lineage.outer,
		         generation.pid);
}

void readiness_report_pid(void)
{
	if (generation.lineage.outer) {
		tell_of_outer();
		return;
	}
	pidfile_write();
	log_info("The server has started (%d).", generation.pid);
}

void readiness_tell(pid_t leader)
{
	struct birth *birth = atomic_load(&generation.birth);

	if (!birth)
		return;
	/* Children from here on are workers, or come too late to lead this generation's birth. */
	birth_keep_from_children(birth);
	atomic_store(&birth->announced_by, leader);
	atomic_store(&birth->is_ready, 1);
	bell_ring(&birth->bell);
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void announce(void)
{
	(void)failpoint("announcing");
	inheritance_close_rest();
	if (generation.is_branch)
		(void)branch_tell(BRANCH_WAITS, 0);
	else
		readiness_report_pid();
	atomic_store(&announced_at, clock_now_ms());
	atomic_store(&news_own()->is_ready, 1);
	if (!generation.is_branch)
		readiness_tell(generation.pid);
	(void)failpoint("announced");
}

/* Workers do, or those of a master who lead themselves. */
static bool others_wait(void)
{
	return members_others_say(HINT_WAITS) || branches_wait();
}

/* What a branch does not claim, others may. */
static bool is_whole(void)
{
	return generation.is_branch || coverage_is_whole(others_wait());
}

/* If the server has only one thread, its own calls tell all. */
static void look(void)
{
	bool is_news = false;

	if (coverage_look(2, &is_news))
		membership_note(HINT_WAITS);
}

/* In s, rounded up. */
static long in_s(int64_t ms)
{
	return (long)((ms + MS_PER_S - 1) / MS_PER_S);
}

static void list_missing(char *buffer, size_t size)
{
	coverage_list_missing(others_wait(), buffer, size);
}

static int64_t settles_until(void)
{
	const struct birth *birth = atomic_load(&generation.birth);
	const struct settling settling = {
		.first_wait = settle.first_wait,
		.timeout = settings.settle_timeout_ms,
		.ready_timeout = settings.ready_timeout_ms,
		.ready_until = birth ? atomic_load(&birth->ready_until) : 0,
	};

	return settling_end(&settling);
}

static void log_missing(int64_t rest_ms)
{
	char missing[512];

	if (settle.is_logged)
		return;
	settle.is_logged = true;
	list_missing(missing, sizeof(missing));
	(void)failpoint("settling");
	log_info(
		"Server (%d) does not wait for clients on %s yet. Master (%d) serves on until it does, for %ld s at most.",
		generation.pid, missing, generation.lineage.predecessor.pid, in_s(rest_ms));
}

static void log_given_up(int64_t now)
{
	char missing[512];

	list_missing(missing, sizeof(missing));
	log_info(
		"Server (%d) has not waited for clients on %s within %ld s, and takes over all the same.",
		generation.pid, missing, in_s(now - settle.first_wait));
}

/* Returns for how many ms more this generation, which waits for clients somewhere, may not be what it
 * is about to be. */
static int64_t settle_for(int64_t now)
{
	if (!is_whole()) {
		const int64_t rest = settles_until() - now;

		if (rest > 0 && now - settle.first_wait >= LOG_AFTER_MS)
			log_missing(rest);
		else if (rest <= 0)
			log_given_up(now);
		return smaller(rest, SETTLE_TICK_MS);
	}
	return members_say(HINT_MOVES) ? settle.first_wait + MOVE_MS - now : 0;
}

/* A look that is due comes after what the members say by themselves: it costs more. */
static int64_t await(int64_t now)
{
	const int64_t wait_ms = coverage_next_look(now, generation_is_being_born());

	if (wait_ms > 0)
		return wait_ms;
	look();
	return coverage_next_look(now, generation_is_being_born());
}

int64_t readiness_check(int64_t now)
{
	int64_t look_ms = NEVER, wait_ms;

	if (atomic_load(&news()->is_ready))
		return NEVER;
	if (!members_say(HINT_WAITS) || !is_whole())
		look_ms = await(now);
	if (!members_say(HINT_WAITS))
		return look_ms;
	if (!settle.first_wait)
		settle.first_wait = now;
	wait_ms = settle_for(now);
	if (wait_ms > 0)
		return smaller(wait_ms, look_ms);
	announce();
	return NEVER;
}

bool readiness_is_young(void)
{
	const int64_t since = atomic_load(&announced_at);

	return generation.lineage.predecessor.pid &&
	       (!atomic_load(&news()->is_ready) || (since && clock_now_ms() - since < YOUNG_MS));
}

void readiness_forked(void)
{
	settle = (struct settle){0};
	coverage_forked();
	atomic_store(&announced_at, 0);
}
