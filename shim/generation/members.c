/* SPDX-License-Identifier: MIT */
#include "generation/members.h"

#include <stdatomic.h>
#include <stddef.h>

#include "generation/children.h"
#include "generation/doorbell.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "kernel/ancestry.h"
#include "kernel/process.h"
#include "kernel/procfs_children.h"

#define MOST_GENERATIONS_BELOW 4

static bool lacks_flag(int child, void *context)
{
	return !hints_has_flag(children_page(child), *(const enum hint_flag *)context);
}

bool members_others_say(enum hint_flag flag)
{
	return (doorbell && atomic_load(&doorbell->flags) >> flag & 1) ||
	       !children_each(lacks_flag, &flag);
}

bool members_say(enum hint_flag flag)
{
	return membership_said(flag) || members_others_say(flag);
}

static bool has_stopped(int child, void *context)
{
	const struct hints *page = children_page(child);

	(void)context;
	/* The first look costs nothing; only then the kernel is asked who lives. */
	return !hints_may_accept(page, (struct hint_first){.is_alive = true}) ||
	       !hints_may_accept(page, children_first(child));
}

bool members_have_stopped_accepting(void)
{
	return children_each(has_stopped, NULL);
}

struct sum {
	uint32_t connections, idle;
};

static bool add(int child, void *context)
{
	struct sum *sum = context;

	hints_add(children_page(child), children_first(child), &sum->connections, &sum->idle);
	return true;
}

void members_add_connections(uint32_t *connections, uint32_t *idle)
{
	struct sum sum = {*connections, *idle};

	(void)children_each(add, &sum);
	*connections = sum.connections;
	*idle = sum.idle;
}

static bool has_none(int child, void *context)
{
	struct sum sum = {0, 0};

	(void)context;
	return add(child, &sum) && sum.connections == 0;
}

bool members_have_connections(void)
{
	return !children_each(has_none, NULL);
}

struct peer_visit {
	bool (*visit)(const struct hint_peer *peer, void *context);
	void *context;
};

static bool visit_peers(int child, void *context)
{
	const struct peer_visit *call = context;

	return hints_each_peer(children_page(child), call->visit, call->context);
}

void members_each_peer(bool (*visit)(const struct hint_peer *peer, void *context), void *context)
{
	struct peer_visit call = {visit, context};

	(void)children_each(visit_peers, &call);
}

/* --- Whom the leader signals --- */

static bool is_ours(pid_t pid, const void *context)
{
	bool (*const *is_fit)(pid_t) = context;

	return (process_is_live_child(pid) || ancestry_descends(pid, generation.pid)) &&
	       (!*is_fit || (*is_fit)(pid));
}

struct signal_call {
	int sig;
	siginfo_t *info;
	bool (*is_fit)(pid_t pid);
	bool is_for_workers;
	int child, depth;
};

static void signal_one(pid_t pid, const struct signal_call *call)
{
	(void)process_signal_if(pid, call->sig, call->info, is_ours, &call->is_fit);
}

/* PID is a descendant of a child, as the kernel says. */
static void signal_below(pid_t pid, void *context)
{
	struct signal_call *call = context;

	if (hints_claims(children_page(call->child), pid, call->is_for_workers))
		signal_one(pid, call);
	if (++call->depth < MOST_GENERATIONS_BELOW)
		(void)procfs_each_child(pid, signal_below, call);
	call->depth--;
}

/* PID is a child of this process, as the kernel says. */
static void claim_unseen(pid_t pid, void *context)
{
	const struct signal_call *call = context;

	if (hints_claims(children_page(call->child), pid, false) && process_is_live_child(pid))
		children_see(call->child, pid);
}

/* A worker hears of news whatever it says of itself. */
static bool may_be_worker(pid_t pid)
{
	struct process_stat stat;

	return process_read_stat(pid, &stat) == 0 && !stat.has_executed;
}

static bool belongs(int child, pid_t pid, bool as_worker)
{
	return (as_worker && may_be_worker(pid)) ||
	       hints_claims(children_page(child), pid, as_worker) ||
	       (!as_worker && children_first(child).was_for_connection &&
	        hints_is_silent(children_page(child)));
}

static bool signal_family(int child, void *context)
{
	struct signal_call *call = context;
	pid_t pid;

	call->child = child;
	if (children_is_unseen(child))
		(void)procfs_each_child(generation.pid, claim_unseen, call);
	pid = children_pid(child);
	if (!pid)
		return true;
	if (hints_has_descendants(children_page(child)))
		(void)procfs_each_child(pid, signal_below, call);
	if (belongs(child, pid, call->is_for_workers))
		signal_one(pid, call);
	return true;
}

void members_signal(int sig)
{
	struct signal_call call = {.sig = sig};

	(void)children_each(signal_family, &call);
}

void members_signal_workers(int sig, siginfo_t *info, bool (*is_fit)(pid_t pid))
{
	struct signal_call call = {
		.sig = sig, .info = info, .is_fit = is_fit, .is_for_workers = true};

	(void)children_each(signal_family, &call);
}

static bool is_not_in(int child, void *context)
{
	const pid_t pid = *(const pid_t *)context;

	if (children_pid(child) == pid)
		return !belongs(child, pid, false);
	return !hints_claims(children_page(child), pid, false) ||
	       !ancestry_descends(pid, generation.pid);
}

bool members_include(pid_t pid)
{
	if (pid <= 0)
		return false;
	return atomic_load(&news()->leader) == pid || !children_each(is_not_in, &pid);
}
