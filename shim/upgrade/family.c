/* SPDX-License-Identifier: MIT */
#include "upgrade/family.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "kernel/ancestry.h"
#include "kernel/procfs_children.h"
#include "signal/wake_signal.h"
#include "upgrade/spawn.h"

/* Of the processes below the first, so deep are they looked for at once. */
#define MOST_GENERATIONS 8

static bool is_of_family(pid_t pid, const void *context)
{
	const struct process *first = spawn_first();
	const pid_t reaper = spawn_reaper();

	(void)context;
	if (pid == first->pid && !process_has_ended(first))
		return true;
	if (reaper)
		return ancestry_descends(pid, reaper);
	/* The candidate is a sibling, or a child of init or of a subreaper by now. */
	return !process_has_ended(first) && ancestry_descends(pid, first->pid);
}

struct process family_confirm(pid_t pid)
{
	struct process process;

	if (pid <= 1)
		return (struct process){0};
	process = process_identify(pid);
	if (!is_of_family(pid, NULL) || process_has_ended(&process))
		return (struct process){0};
	return process;
}

static bool is_reapers_child(pid_t pid, const void *context)
{
	const pid_t reaper = spawn_reaper();
	struct process_stat stat;

	(void)context;
	return reaper && process_read_stat(pid, &stat) == 0 && stat.parent == reaper;
}

static void wake_child(pid_t child, void *context)
{
	(void)context;
	wake_signal_send(child, is_reapers_child, NULL);
}

void family_wake_orphans(void)
{
	const pid_t reaper = spawn_reaper();

	if (reaper)
		(void)procfs_each_child(reaper, wake_child, NULL);
}

/* The candidate's process group is there as long as one of its processes is. */
static void kill_child(pid_t child, void *context)
{
	const pid_t group = spawn_first()->pid;

	(void)context;
	if (getpgid(child) == group && is_reapers_child(child, NULL))
		(void)libc_calls.kill(-group, SIGKILL);
	else
		(void)process_signal_if(child, SIGKILL, NULL, is_reapers_child, NULL);
}

/* Without a reaper nobody names the children of a process that has died: they come first. */
static void kill_below(pid_t pid, void *context)
{
	int *depth = context;

	if (++*depth < MOST_GENERATIONS)
		(void)procfs_each_child(pid, kill_below, depth);
	--*depth;
	(void)process_signal_if(pid, SIGKILL, NULL, is_of_family, NULL);
}

/* What a first process without a reaper has left behind is in its group. The kernel gives the number
 * to nobody while it is the group's (fork(2)); the guard is for a group that has ended. */
static void kill_group(void)
{
	const struct process *first = spawn_first();
	struct process_stat stat;
	const int error = process_read_stat(first->pid, &stat);

	if (error == -ENOENT || (error == 0 && stat.start == first->start))
		(void)libc_calls.kill(-first->pid, SIGKILL);
}

/* When a process dies, its children become the reaper's, and the next round kills them. The first
 * kill hits the rest of the process group at once. */
static void kill_all(void)
{
	const pid_t reaper = spawn_reaper();
	int depth = 0;

	if (!reaper || procfs_each_child(reaper, kill_child, NULL) < 0)
		kill_below(spawn_first()->pid, &depth);
}

void family_kill(int64_t limit_ms)
{
	const int64_t end = clock_now_ms() + limit_ms;
	const bool is_sibling = spawn_look();

	if (!atomic_load(&spawn_report.pid))
		return;
	while (!atomic_load(&spawn_report.has_ended) && clock_now_ms() < end) {
		kill_all();
		(void)clock_sleep(NS_PER_MS);
		(void)spawn_look();
	}
	if (is_sibling)
		kill_group();
}
