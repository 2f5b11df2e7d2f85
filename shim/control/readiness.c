/* SPDX-License-Identifier: MIT */
#include "control/readiness.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "control/leader_state.h"
#include "generation/generation.h"
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

static void announce(void)
{
	(void)failpoint("announcing");
	inheritance_close_rest();
	readiness_report_pid();
	atomic_store(&announced_at, clock_now_ms());
	atomic_store(&generation.page->announced_by, generation.pid);
	atomic_store(&generation.page->is_ready, 1);
	bell_ring(&generation.page->bell);
	(void)failpoint("announced");
}

int64_t readiness_check(int64_t now)
{
	struct generation_page *page = generation.page;

	if (atomic_load(&page->is_ready) || !atomic_load(&page->is_waiting))
		return NEVER;
	if (inheritance_unclaimed() > 0 || atomic_load(&page->is_moving)) {
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

	return generation.page && generation.page->predecessor &&
	       (!atomic_load(&generation.page->is_ready) ||
	        (since && clock_now_ms() - since < YOUNG_MS));
}

void readiness_forked(void)
{
	settled_at = 0;
	atomic_store(&announced_at, 0);
}
