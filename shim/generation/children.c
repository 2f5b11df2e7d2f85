/* SPDX-License-Identifier: MIT */
#include "generation/children.h"

#include <stdatomic.h>
#include <string.h>

#include "base/raw_memory.h"
#include "generation/doorbell.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "kernel/process.h"
#include "kernel/sandbox.h"

/* In place of the pid of a child. */
#define PID_NONE 0
#define PID_FORKING (-1) /* a thread is about to fork it */
#define PID_UNSEEN (-2)  /* forked, but by a call whose result no wrapper has seen */

/* Of the table, one fork looks at so many children whether they have ended. */
#define SWEPT_AT_A_FORK 2

/* In the leader. The room is reserved at once, and a page is made in its place for each child. */
static struct {
	char *_Atomic room;
	_Atomic int size, top, next_swept; /* pages; the ones used so far; see sweep_some() */
	struct {
		_Atomic int32_t pid;
		_Atomic bool is_for_connection;
	} children[MEMBERS_MOST];
} table;

/* The fork that this thread makes. A handler may fork within: then that child has no page. */
static __thread struct {
	int depth;
	int child; /* in the table, or -1 */
	int entry; /* on the family's page, or -1 */
	bool is_for_connection;
} forking;

struct hints *children_page(int child)
{
	return (struct hints *)(atomic_load(&table.room) + (size_t)child * HINTS_SIZE);
}

static bool in_sandbox(void)
{
	return atomic_load(&sandbox_deadly) & SANDBOX_FORK;
}

static void reserve_room(void)
{
	const int flags = MAP_PRIVATE | MAP_NORESERVE;

	for (int size = MEMBERS_MOST; size >= 16; size /= 4) {
		const long room = raw_map(NULL, (size_t)size * HINTS_SIZE, PROT_READ, flags, -1);

		if (raw_map_failed(room))
			continue;
		(void)raw_keep_from_children((void *)room, (size_t)size * HINTS_SIZE);
		memset(table.children, 0, sizeof(table.children));
		atomic_store(&table.top, 0);
		atomic_store(&table.size, size);
		atomic_store(&table.room, (char *)room);
		return;
	}
}

int children_lead(void)
{
	int error = news_is_own() ? 0 : news_make();

	if (!error && !doorbell)
		error = doorbell_make();
	if (!error && !atomic_load(&table.room))
		reserve_room(); /* without it the drain does not wait for children */
	return error;
}

struct hint_first children_first(int child)
{
	const int32_t pid = atomic_load(&table.children[child].pid);

	return (struct hint_first){
		.is_alive = pid < 0 || process_is_live_child(pid),
		.was_for_connection = atomic_load(&table.children[child].is_for_connection),
	};
}

/* In one step, so that another thread that reads the page finds the old one or the new one. */
static bool map_anew(int child, int protection, int flags)
{
	return !raw_map_failed(
		raw_map(children_page(child), HINTS_SIZE, protection, flags | MAP_FIXED, -1));
}

/* The dead child's page is gone from here on. */
static void clear_child(int child)
{
	if (map_anew(child, PROT_READ, MAP_PRIVATE | MAP_NORESERVE))
		(void)raw_keep_from_children(children_page(child), HINTS_SIZE);
	atomic_store(&table.children[child].pid, PID_NONE);
}

/* Nobody has written on it. The look costs less than the page that a read would cost. */
static bool is_blank(int child)
{
	unsigned char is_there[HINTS_SIZE / 4096] = {0};

	return RAW3(SYS_mincore, children_page(child), HINTS_SIZE, is_there) == 0 &&
	       !(is_there[0] & 1);
}

/* The page of a child that has ended stays while descendants of it say that they live, if there is
 * room for others. */
static void sweep(int child, bool without_mercy)
{
	int32_t pid = atomic_load(&table.children[child].pid);

	if (pid <= 0 || process_is_live_child(pid) ||
	    (!without_mercy && !is_blank(child) &&
	     hints_has_live_descendants(children_page(child))))
		return;
	if (atomic_compare_exchange_strong(&table.children[child].pid, &pid, PID_FORKING))
		clear_child(child);
}

static void sweep_some(void)
{
	const int top = atomic_load(&table.top);

	for (int i = 0; i < SWEPT_AT_A_FORK && i < top; i++)
		sweep((int)((unsigned)atomic_fetch_add(&table.next_swept, 1) % (unsigned)top),
		      false);
}

static int find_free(void)
{
	const int size = atomic_load(&table.size);

	for (int i = 0; i < size; i++) {
		int32_t none = PID_NONE;
		int top = atomic_load(&table.top);

		if (atomic_load(&table.children[i].pid) != PID_NONE ||
		    !atomic_compare_exchange_strong(&table.children[i].pid, &none, PID_FORKING))
			continue;
		while (top <= i && !atomic_compare_exchange_strong(&table.top, &top, i + 1))
			;
		return i;
	}
	return -1;
}

static int take_child(void)
{
	int child;

	sweep_some();
	child = find_free();
	if (child < 0) {
		for (int i = 0; i < atomic_load(&table.top); i++)
			sweep(i, true);
		child = find_free();
	}
	if (child >= 0 && !map_anew(child, PROT_READ | PROT_WRITE, MAP_SHARED)) {
		clear_child(child);
		return -1;
	}
	return child;
}

/* A daemon's master may have workers before it leads: these must read what it will say then. */
static bool leads_or_will(void)
{
	if (!news_is_own() && atomic_load(&generation.role) == ROLE_WORKER &&
	    (generation.is_daemonizing || generation_is_heir()))
		(void)children_lead();
	return news_is_own();
}

void children_fork_begins(bool is_for_connection)
{
	if (forking.depth++ > 0)
		return;
	forking.child = forking.entry = -1;
	forking.is_for_connection = is_for_connection;
	if (atomic_load(&generation.role) == ROLE_NONE || generation.is_master || in_sandbox() ||
	    !generation_is_of_this_process())
		return;
	if (!leads_or_will()) {
		if (is_for_connection)
			forking.entry = membership_reserve();
		return;
	}
	if (!atomic_load(&table.room))
		return;
	forking.child = take_child();
	if (forking.child >= 0)
		atomic_store(&table.children[forking.child].is_for_connection, is_for_connection);
}

void children_forked_in_parent(void)
{
	if (--forking.depth > 0 || forking.child < 0)
		return;
	(void)raw_keep_from_children(children_page(forking.child), HINTS_SIZE);
	atomic_store(&table.children[forking.child].pid, PID_UNSEEN);
}

void children_fork_ended(pid_t child)
{
	if (forking.depth > 0)
		return; /* of a handler within another fork */
	if (child > 0 && forking.child >= 0)
		atomic_store(&table.children[forking.child].pid, child);
	else if (child < 0 && forking.child >= 0)
		clear_child(forking.child);
	else if (child < 0 && forking.entry >= 0)
		membership_unreserve(forking.entry);
	forking.child = forking.entry = -1;
}

/* Other threads may have been forking at the same moment. */
static void unmap_others(int child)
{
	for (int i = 0; i < atomic_load(&table.top); i++) {
		if (i != child && atomic_load(&table.children[i].pid) == PID_FORKING)
			raw_unmap(children_page(i), HINTS_SIZE);
	}
}

void children_forked_in_child(void)
{
	const bool is_outermost = forking.depth == 1;
	const struct membership_start start = {
		.page = is_outermost && forking.child >= 0 ? children_page(forking.child) : NULL,
		.entry = is_outermost ? forking.entry : -1,
		.had_no_page_to_share = atomic_load(&table.room) != NULL,
		.has_connection = is_outermost && forking.is_for_connection,
	};

	if (atomic_load(&table.room))
		unmap_others(start.page ? forking.child : -1);
	atomic_store(&table.room, NULL);
	membership_forked(&start);
	forking.depth = 0;
	forking.child = forking.entry = -1;
}

bool children_each(bool (*visit)(int child, void *context), void *context)
{
	const int top = atomic_load(&table.room) ? atomic_load(&table.top) : 0;

	for (int i = 0; i < top; i++) {
		if (atomic_load(&table.children[i].pid) != PID_NONE && !visit(i, context))
			return false;
	}
	return true;
}

bool children_exist(void)
{
	return atomic_load(&table.room) && atomic_load(&table.top) > 0;
}

pid_t children_pid(int child)
{
	const pid_t pid = atomic_load(&table.children[child].pid);

	return pid > 0 ? pid : 0;
}

bool children_is_unseen(int child)
{
	return atomic_load(&table.children[child].pid) == PID_UNSEEN;
}

void children_see(int child, pid_t pid)
{
	int32_t unseen = PID_UNSEEN;

	(void)atomic_compare_exchange_strong(&table.children[child].pid, &unseen, pid);
}
