/* SPDX-License-Identifier: MIT */
#include "control/heir.h"

#include <stdatomic.h>

#include "base/log.h"
#include "control/readiness.h"
#include "control/worker.h"
#include "generation/children.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "kernel/listeners.h"

/* The former leader. */
static pid_t before;

static void become_leader(void)
{
	struct birth *birth = atomic_load(&generation.birth);
	int fds[GENERATION_LISTENERS];
	const int count = listeners_find(fds, GENERATION_LISTENERS);

	membership_take_back(HINT_MOVES);
	membership_leave(false);
	(void)children_lead();
	atomic_store(&news_own()->leader, generation.pid);
	if (birth)
		atomic_store(&birth->leader, generation.pid);
	atomic_store(&generation.role, ROLE_LEADER);
	for (int i = 0; i < count; i++)
		listeners_mark_held(fds[i]);
}

/* All that were left by the same leader ask. */
static bool is_elected(void)
{
	int fd = -1;

	return listeners_find(&fd, 1) < 1 || listeners_elect(fd, generation.fork_parent);
}

bool heir_leads_on(void)
{
	const pid_t gone = atomic_load(&news()->leader);

	if (atomic_load(&news()->phase) != PHASE_SERVING || !generation_is_heir() ||
	    worker_is_stillborn() || !is_elected())
		return false;
	before = gone;
	become_leader();
	return true;
}

/* The predecessor logs the failure of a generation that it has not accepted yet. */
void heir_tell(void)
{
	struct birth *birth = atomic_load(&generation.birth);

	if (before > 0 && !generation.is_daemonizing && !generation_predecessor_serves())
		log_error("Server (%d) has died: Worker (%d) leads on.", before, generation.pid);
	else if (atomic_load(&news()->is_ready))
		readiness_tell(generation.pid);
	if (atomic_load(&news()->is_ready))
		readiness_report_pid();
	if (birth)
		bell_ring(&birth->bell);
}
