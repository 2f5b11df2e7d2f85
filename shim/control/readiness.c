/* SPDX-License-Identifier: MIT */
#include "control/readiness.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "control/leader_state.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "generation/news.h"
#include "generation/pidfile.h"
#include "upgrade/inheritance.h"

/* A new version may claim an inherited listener only some time after its first wait. What it has
 * not claimed this long after that, it does not want. */
#define SETTLE_MS 1000

#define YOUNG_MS 1000

/* Monotonic ms; 0: no wait yet. The controller thread's own. */
static int64_t settled_at;

/* Monotonic ms; 0: not announced yet. */
static _Atomic int64_t announced_at;

void readiness_report_pid(void)
{
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

static void announce(void)
{
	(void)failpoint("announcing");
	inheritance_close_rest();
	readiness_report_pid();
	atomic_store(&announced_at, clock_now_ms());
	atomic_store(&news_own()->is_ready, 1);
	readiness_tell(generation.pid);
	(void)failpoint("announced");
}

int64_t readiness_check(int64_t now)
{
	if (atomic_load(&news()->is_ready) || !members_say(HINT_WAITS))
		return NEVER;
	if (inheritance_unclaimed() > 0 || members_say(HINT_MOVES)) {
		if (!settled_at)
			settled_at = now + SETTLE_MS;
		if (now < settled_at)
			return settled_at - now;
	}
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
	settled_at = 0;
	atomic_store(&announced_at, 0);
}
