/* SPDX-License-Identifier: MIT */
#include "generation/members.h"

#include <stdatomic.h>

#include "base/interpose.h"
#include "generation/generation.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"

/* Stands in place of the pid of a child that is about to be forked. */
#define PID_RESERVED (-1)

static struct member *take_slot(struct member *members, pid_t pid)
{
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		struct member *slot = &members[(generation.pid + i) % GENERATION_MEMBERS];
		int32_t no_pid = 0;

		if (atomic_load(&slot->pid) == 0 &&
		    atomic_compare_exchange_strong(&slot->pid, &no_pid, pid))
			return slot;
	}
	return NULL;
}

bool member_is_live(struct member *slot)
{
	const pid_t pid = atomic_load(&slot->pid);

	if (pid == 0)
		return false;
	if (pid == PID_RESERVED || !procfs_is_dead(pid))
		return true;
	atomic_store(&slot->pid, 0);
	return false;
}

static struct member *find_slot(pid_t pid)
{
	struct member *members = generation.page->members;
	struct member *slot = take_slot(members, pid);

	if (slot)
		return slot;
	for (int i = 0; i < GENERATION_MEMBERS; i++)
		(void)member_is_live(&members[i]);
	return take_slot(members, pid);
}

struct member *members_reserve_slot(void)
{
	struct member *slot = find_slot(PID_RESERVED);

	if (slot) {
		atomic_store(&slot->kind, MEMBER_CONNECTION);
		atomic_store(&slot->connections, 1);
	}
	return slot;
}

void members_free_slot(struct member *slot)
{
	atomic_store(&slot->connections, 0);
	atomic_store(&slot->pid, 0);
	if (!sandbox_is_tight())
		bell_ring(&generation.page->bell);
}

void members_join(enum member_kind kind)
{
	struct member *slot = atomic_load(&generation.membership);
	/* A child that was forked for a connection still has that connection if it becomes a
	 * worker. */
	const bool has_connection = slot || kind == MEMBER_CONNECTION;

	if (!slot)
		slot = find_slot(generation.pid);
	if (!slot)
		return;
	atomic_store(&slot->kind, kind);
	atomic_store(&slot->has_stopped_accepting, 0);
	atomic_store(&slot->idle, 0);
	atomic_store(&slot->has_peers, 0);
	atomic_store(&slot->connections, has_connection);
	atomic_store(&slot->pid, generation.pid);
	atomic_store(&generation.membership, slot);
}

void members_leave(void)
{
	struct member *slot = atomic_exchange(&generation.membership, NULL);

	if (slot)
		members_free_slot(slot);
}

bool members_include(pid_t pid)
{
	const struct generation_page *page = generation.page;

	if (pid <= 0 || !page)
		return false;
	if (atomic_load(&page->leader) == pid)
		return true;
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		if (atomic_load(&page->members[i].pid) == pid)
			return true;
	}
	return false;
}

void members_each_worker(void (*visit)(pid_t pid))
{
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		const struct member *member = &generation.page->members[i];
		const pid_t pid = atomic_load(&member->pid);

		if (pid > 0 && pid != generation.pid && atomic_load(&member->kind) == MEMBER_WORKER)
			visit(pid);
	}
}

void members_signal(const struct generation_page *page, int sig)
{
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		const pid_t pid = atomic_load(&page->members[i].pid);

		if (pid > 0)
			(void)libc_calls.kill(pid, sig);
	}
}
