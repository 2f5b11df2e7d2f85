/* SPDX-License-Identifier: MIT */
#include "control/successor.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/log.h"
#include "control/leader_state.h"
#include "generation/generation.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "upgrade/failure.h"
#include "upgrade/handover.h"
#include "upgrade/spawn.h"

/* The controller thread's own. */
static struct {
	enum request request;
	bell *bell; /* the candidate's until it is accepted; NULL: this generation's */
	struct generation_page *candidate;
	struct generation_page *retired; /* one that failed, or that a later one has replaced */
} succession;

/* A signal handler or another thread may still read the page, so it stays mapped until the next one
 * retires. */
static void retire_page(struct generation_page *page)
{
	page_drop(succession.retired);
	succession.retired = page;
}

/* Runs before there is a process that may take a connection which a thread of this generation has
 * seen. */
static void begin_to_share(void)
{
	int fds[GENERATION_LISTENERS];
	int count = 0;

	atomic_store(&generation.page->successor_may_accept, 1);
	if (atomic_load(&generation.page->polls_before_accept))
		count = listeners_find(fds, GENERATION_LISTENERS);
	for (int i = 0; i < count; i++) {
		if (listeners_unblock(fds[i]))
			atomic_store(&generation.page->has_unblocked, 1);
	}
}

/* An unblocked listener stays so, because a thread may just be about to accept. */
static void cease_to_share(void)
{
	atomic_store(&generation.page->successor_may_accept,
	             atomic_load(&generation.successor) != NULL);
}

int successor_start(enum request request)
{
	struct generation_page *page = NULL;
	int error;

	if (failure_in_sandbox())
		return -EPERM;
	begin_to_share();
	error = handover_begin(&page);
	if (error) {
		cease_to_share();
		return error;
	}
	succession.request = request;
	succession.candidate = page;
	leader_state_set_phase(PHASE_HANDING_OVER);
	succession.bell = &page->bell;
	(void)failpoint("forked");
	log_info("Forked child (%d).", atomic_load(&spawn_report.pid));
	return 0;
}

enum request successor_request(void)
{
	return succession.request;
}

bool successor_is_candidate(void)
{
	return succession.candidate;
}

bool successor_is_ready(void)
{
	return atomic_load(&succession.candidate->is_ready);
}

bool successor_is_dead(void)
{
	const struct generation_page *page = succession.candidate;
	const pid_t pid =
		atomic_load(atomic_load(&page->is_ready) ? &page->announced_by : &page->leader);

	return atomic_load(&spawn_report.has_ended) || (pid > 0 && procfs_is_dead(pid));
}

void successor_explain_failure(bool has_timed_out)
{
	failure_explain_end(succession.candidate, has_timed_out);
}

void successor_clear_away(void)
{
	struct generation_page *page = succession.candidate;

	(void)failpoint("abandoning");
	handover_finish(page, false);
	succession.bell = NULL;
	succession.candidate = NULL;
	leader_state_set_phase(PHASE_SERVING);
	if (atomic_load(&generation.successor) == page)
		atomic_store(&generation.successor, NULL);
	cease_to_share();
	retire_page(page);
}

void successor_accept(void)
{
	(void)failpoint("accepting_successor");
	retire_page(atomic_exchange(&generation.successor, succession.candidate));
	succession.bell = NULL;
	(void)failpoint("accepted_successor");
}

void successor_release(void)
{
	if (!succession.candidate)
		return;
	handover_finish(succession.candidate, true);
	succession.candidate = NULL;
}

void successor_pass_on(int sig)
{
	struct generation_page *successor = atomic_load(&generation.successor);
	const pid_t pid = successor ? atomic_load(&successor->leader) : 0;

	if (pid > 0 && getpgid(pid) != getpgrp())
		(void)libc_calls.kill(pid, sig);
}

bell *successor_bell(void)
{
	return succession.bell ? succession.bell : &generation.page->bell;
}

void successor_forked(void)
{
	succession.bell = NULL;
	succession.candidate = NULL;
	succession.retired = NULL;
}
