/* SPDX-License-Identifier: MIT */
#include "control/alone.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "kernel/epoll_sets.h"

/* The controller thread's own. */
static struct {
	bool has_rejoined;
	bool shared_listeners; /* at the last look */
} alone;

void alone_begin(void)
{
	alone.shared_listeners = generation.page->predecessor;
}

/* While the predecessor may signal its whole process group (apache does when it stops), this
 * generation has a group of its own. Afterwards it goes back to the group in which it was started,
 * so that a Ctrl-C reaches it with everything else in that terminal. If that group has ended, it
 * stays (setpgid(2): EPERM). */
static void rejoin_group(void)
{
	struct generation_page *page = generation.page;

	if (alone.has_rejoined || !atomic_load(&page->predecessor_left))
		return;
	alone.has_rejoined = true;
	if (page->group > 0 && getpgrp() != page->group && getsid(0) != generation.pid)
		(void)setpgid(0, page->group);
}

/* When the other generation on the same listeners has stopped accepting, or has failed, this one
 * serves them alone. */
static void take_over_waiters(void)
{
	const struct generation_page *page = generation.page;
	const bool shares_listeners = atomic_load(&page->phase) == PHASE_HANDING_OVER ||
	                              (page->predecessor && atomic_load(&page->predecessor_holds));

	if (alone.shared_listeners && !shares_listeners && !stop_accepting_has_begun())
		epoll_sets_rearm_listeners();
	alone.shared_listeners = shares_listeners;
}

void alone_check(void)
{
	rejoin_group();
	take_over_waiters();
}
