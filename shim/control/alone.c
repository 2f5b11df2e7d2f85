/* SPDX-License-Identifier: MIT */
#include "control/alone.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "generation/news.h"
#include "kernel/epoll_sets.h"
#include "kernel/listeners.h"
#include "signal/wake_signal.h"

/* The controller thread's own. */
static struct {
	bool has_rejoined;
	bool shared_listeners; /* at the last look */
} alone;

void alone_begin(void)
{
	alone.shared_listeners = generation.lineage.predecessor.pid > 0;
}

/* While the predecessor may signal its whole process group (apache does when it stops), this
 * generation has a group of its own. Afterwards it goes back to the group in which it was started,
 * so that a Ctrl-C reaches it with everything else in that terminal. If that group has ended, it
 * stays (setpgid(2): EPERM). */
static void rejoin_group(void)
{
	const pid_t group = generation.lineage.group;

	if (alone.has_rejoined || !atomic_load(&news()->predecessor_left))
		return;
	alone.has_rejoined = true;
	if (group > 0 && getpgrp() != group && getsid(0) != generation.pid)
		(void)setpgid(0, group);
}

/* When the other generation on the same listeners has stopped accepting, or has failed, this one
 * serves them alone. */
static void take_over_waiters(void)
{
	const bool shares_listeners = atomic_load(&news()->phase) == PHASE_HANDING_OVER ||
	                              atomic_load(&news()->predecessor_holds);

	if (alone.shared_listeners && !shares_listeners && !stop_accepting_has_begun())
		epoll_sets_rearm_listeners();
	alone.shared_listeners = shares_listeners;
}

/* What the predecessor says reaches the workers only through the leader. */
static void pass_on_words(void)
{
	const struct birth *birth = atomic_load(&generation.birth);
	struct news *own = news_own();
	const uint32_t holds = birth && atomic_load(&birth->predecessor_holds);
	const uint32_t left = !birth || atomic_load(&birth->predecessor_left);

	if (holds == atomic_load(&own->predecessor_holds) &&
	    left == atomic_load(&own->predecessor_left))
		return;
	if (!holds && listeners_any_unblocked())
		atomic_store(&own->has_unblocked, 1);
	atomic_store(&own->predecessor_holds, holds);
	atomic_store(&own->predecessor_left, left);
	wake_signal_tell();
}

/* The predecessor has gone, or this process has no need of its words. */
static void end_birth(void)
{
	if (!atomic_load(&generation.birth) || generation_is_being_born())
		return;
	if (atomic_load(&generation.role) == ROLE_LEADER ? !generation_predecessor_may_ring()
	                                                 : !atomic_load(&news()->predecessor_holds))
		generation_leave_birth();
}

void alone_check(void)
{
	if (generation.lineage.predecessor.pid && atomic_load(&generation.role) == ROLE_LEADER)
		pass_on_words();
	end_birth();
	rejoin_group();
	take_over_waiters();
}
