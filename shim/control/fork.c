/* SPDX-License-Identifier: MIT */
#include "control/fork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/kept_fd.h"
#include "base/own_fd.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "control/kept.h"
#include "control/wait_search.h"
#include "drain/accept_calls.h"
#include "generation/generation.h"
#include "generation/children.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "kernel/peek.h"
#include "signal/branch.h"
#include "signal/branches.h"
#include "signal/dispositions.h"
#include "upgrade/inheritance.h"

__thread bool fork_thread_has_accepted;
__thread bool fork_makes_daemon;

static void before(void)
{
	children_fork_begins(fork_thread_has_accepted);
	own_fd_fork_begins();
}

static void in_parent(void)
{
	own_fd_forked_in_parent();
	children_forked_in_parent();
	fork_thread_has_accepted = false;
	if (fork_makes_daemon)
		controller_on_exit();
}

static void in_child(void)
{
	const bool is_for_connection = fork_thread_has_accepted;
	const bool had_master = generation.is_master;
	const bool had_listened = atomic_load(&generation.role) != ROLE_NONE && !had_master;

	fork_thread_has_accepted = false;
	own_fd_forked_in_child();
	kept_forked();
	/* Before that a daemon may make the child that will lead; lowering_settle() decides. */
	if (atomic_load(&news()->is_ready))
		kept_fd_drop_all();
	peek_forked();
	generation_forked();
	children_forked_in_child();
	controller_forked();
	branches_forked();
	branch_forked();
	accept_calls_forked();
	first_wait_forked();
	wait_search_forked();
	if (had_master)
		dispositions_give_back(false);
	if (!had_listened) {
		inheritance_forked(); /* a successor may make itself a daemon before it listens */
		return;
	}
	dispositions_give_back(true);
	atomic_fetch_or(&first_wait_missing, MISSING_CONTROLLER);
	if (is_for_connection)
		membership_join(MEMBER_CONNECTION);
}

static _Atomic bool is_watched, is_by_hand;

/* Of this thread's fork. A handler may fork within it. */
static __thread struct {
	int depth;
	bool has_begun;
} by_hand;

void fork_watch_by_hand(void)
{
	atomic_store(&is_by_hand, !atomic_load(&is_watched));
}

void fork_begins(void)
{
	if (by_hand.depth == 0 && atomic_load(&is_watched))
		return;
	by_hand.depth++;
	own_fd_fork_begins();
	if (by_hand.depth > 1)
		return;
	by_hand.has_begun = atomic_load(&is_by_hand);
	if (by_hand.has_begun)
		children_fork_begins(fork_thread_has_accepted);
}

static void end_in_child(void)
{
	by_hand.depth = 0;
	if (atomic_load(&is_by_hand))
		in_child();
	else
		own_fd_forked_in_child();
}

void fork_ends(pid_t child)
{
	if (by_hand.depth == 0)
		return;
	if (child == 0) {
		end_in_child();
		return;
	}
	own_fd_forked_in_parent();
	if (--by_hand.depth > 0 || !by_hand.has_begun)
		return;
	children_forked_in_parent();
	fork_thread_has_accepted = false;
}

void fork_watch(void)
{
	atomic_store(&is_watched, true);
	(void)pthread_atfork(before, in_parent, in_child);
}
