/* SPDX-License-Identifier: MIT */
#include "signal/branches.h"

#include <stdatomic.h>
#include <unistd.h>

#include "kernel/ancestry.h"
#include "kernel/process.h"

#define MOST 512

/* A handler writes it. Two of them may run at once: each takes a place by its pid. */
static struct {
	struct {
		_Atomic pid_t pid; /* 0: free */
		_Atomic uint64_t start;
		_Atomic bool waits, is_told, has_drained;
	} branches[MOST];
	_Atomic int top;
} table;

static struct process branch_at(int i)
{
	return (struct process){atomic_load(&table.branches[i].pid),
	                        atomic_load(&table.branches[i].start)};
}

static bool lives(int i)
{
	const struct process process = branch_at(i);

	return process.pid && !process_has_ended(&process);
}

static int find(pid_t pid)
{
	for (int i = 0; i < atomic_load(&table.top); i++) {
		if (atomic_load(&table.branches[i].pid) == pid)
			return i;
	}
	return -1;
}

static int take_place(pid_t pid)
{
	for (int i = 0; i < MOST; i++) {
		pid_t before = atomic_load(&table.branches[i].pid);
		int top = atomic_load(&table.top);

		if ((before && lives(i)) ||
		    !atomic_compare_exchange_strong(&table.branches[i].pid, &before, pid))
			continue;
		while (top <= i && !atomic_compare_exchange_strong(&table.top, &top, i + 1))
			;
		return i;
	}
	return -1;
}

static void note_branch(pid_t pid)
{
	const struct process process = process_identify(pid);
	int i = find(pid);

	if (i < 0)
		i = take_place(pid);
	if (i < 0)
		return;
	atomic_store(&table.branches[i].start, process.start);
	atomic_store(&table.branches[i].waits, false);
	atomic_store(&table.branches[i].is_told, false);
	atomic_store(&table.branches[i].has_drained, false);
}

bool branches_note(pid_t pid, struct wake_word word)
{
	int i;

	if (pid <= 1 || !ancestry_descends(pid, getpid()))
		return false;
	if (word.what == BRANCH_LISTENS)
		note_branch(pid);
	i = find(pid);
	if (i >= 0 && word.what == BRANCH_WAITS)
		atomic_store(&table.branches[i].waits, true);
	if (i >= 0 && word.what == BRANCH_HAS_DRAINED)
		atomic_store(&table.branches[i].has_drained, true);
	return true;
}

bool branches_exist(void)
{
	return atomic_load(&table.top) > 0;
}

bool branches_wait(void)
{
	for (int i = 0; i < atomic_load(&table.top); i++) {
		if (atomic_load(&table.branches[i].waits) && lives(i))
			return true;
	}
	return false;
}

bool branches_include(pid_t pid)
{
	for (int i = 0; pid > 1 && i < atomic_load(&table.top); i++) {
		if (lives(i) &&
		    (pid == branch_at(i).pid || ancestry_descends(pid, branch_at(i).pid)))
			return true;
	}
	return false;
}

static bool is_branch(pid_t pid, const void *context)
{
	const struct process *branch = context;

	return !process_has_ended(branch) && ancestry_descends(pid, getpid());
}

static void say(int i, struct wake_word word)
{
	const struct process branch = branch_at(i);

	(void)wake_signal_say(branch.pid, word, is_branch, &branch);
}

void branches_drain(bool has_successor)
{
	for (int i = 0; i < atomic_load(&table.top); i++) {
		if (lives(i) && !atomic_exchange(&table.branches[i].is_told, true))
			say(i, (struct wake_word){BRANCH_DRAIN, has_successor});
	}
}

bool branches_have_drained(void)
{
	for (int i = 0; i < atomic_load(&table.top); i++) {
		if (!atomic_load(&table.branches[i].has_drained) && lives(i))
			return false;
	}
	return true;
}

void branches_stop(void)
{
	for (int i = 0; i < atomic_load(&table.top); i++) {
		if (lives(i))
			say(i, (struct wake_word){BRANCH_STOP, 0});
	}
}

void branches_each(void (*visit)(pid_t pid, void *context), void *context)
{
	for (int i = 0; i < atomic_load(&table.top); i++) {
		if (lives(i))
			visit(branch_at(i).pid, context);
	}
}

void branches_forked(void)
{
	const int top = atomic_exchange(&table.top, 0);

	for (int i = 0; i < top; i++)
		atomic_store(&table.branches[i].pid, 0);
}
