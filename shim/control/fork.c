/* SPDX-License-Identifier: MIT */
#include "control/fork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/own_fd.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "control/wait_search.h"
#include "drain/accept_calls.h"
#include "generation/generation.h"
#include "generation/children.h"
#include "generation/membership.h"
#include "kernel/peek.h"
#include "signal/dispositions.h"
#include "upgrade/inheritance.h"

__thread bool fork_thread_has_accepted;

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
}

static void in_child(void)
{
	const bool is_for_connection = fork_thread_has_accepted;
	const bool had_listened = atomic_load(&generation.role) != ROLE_NONE;

	fork_thread_has_accepted = false;
	own_fd_forked_in_child();
	peek_forked();
	generation_forked();
	children_forked_in_child();
	controller_forked();
	accept_calls_forked();
	first_wait_forked();
	wait_search_forked();
	if (!had_listened) {
		inheritance_forked(); /* a successor may make itself a daemon before it listens */
		return;
	}
	dispositions_give_back(true);
	atomic_fetch_or(&first_wait_missing, MISSING_CONTROLLER);
	if (is_for_connection)
		membership_join(MEMBER_CONNECTION);
}

void fork_watch(void)
{
	(void)pthread_atfork(before, in_parent, in_child);
}
