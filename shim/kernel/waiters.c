/* SPDX-License-Identifier: MIT */
#include "kernel/waiters.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/raw_stat.h"
#include "base/raw_syscall.h"
#include "kernel/epoll_sets.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/procfs_task.h"

/* Many threads may sleep in one set: it is read once. One with a higher number is read each time. */
#define HIGHEST_FD 1024

struct search {
	void (*visit)(int fd, void *context);
	void *context;
	pid_t self;
	int threads;
	int depth;
	bool is_denied;
	uint64_t done[HIGHEST_FD / 64];
};

static bool visit_entry(const struct epoll_entry *entry, void *context)
{
	struct search *search = context;

	if (listeners_is_listening(entry->fd)) {
		search->visit(entry->fd, search->context);
	} else if (search->depth == 0) {
		/* An epoll set within the set (epoll(7), "Q4"); anything else has no entries. */
		search->depth++;
		(void)procfs_each_epoll_entry(entry->fd, visit_entry, search);
		search->depth--;
	}
	return true;
}

static void visit_set(struct search *search, int epoll_fd)
{
	if ((unsigned)epoll_fd < HIGHEST_FD) {
		uint64_t *word = &search->done[epoll_fd / 64];
		const uint64_t bit = 1ULL << (epoll_fd % 64);

		if (*word & bit)
			return;
		*word |= bit;
	}
	(void)procfs_each_epoll_entry(epoll_fd, visit_entry, search);
}

static void visit_call(struct search *search, long call, int fd)
{
	switch (call) {
#ifdef SYS_accept
	case SYS_accept:
#endif
	case SYS_accept4:
		if (listeners_is_listening(fd))
			search->visit(fd, search->context);
		break;
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
#endif
	case SYS_epoll_pwait:
		visit_set(search, fd);
		break;
	default:
		break;
	}
}

static void look_at(pid_t tid, void *context)
{
	struct search *search = context;
	long call, argument;

	if (tid == search->self)
		return;
	search->threads++;
	if (procfs_task_syscall(tid, &call, &argument) == 0)
		visit_call(search, call, (int)argument);
	else if (procfs_task_state(tid) == 'S')
		search->is_denied = true;
}

static void visit_all_sets(struct search *search)
{
	struct epoll_sets sets;

	epoll_sets_find(&sets);
	for (int i = 0; i < sets.count; i++)
		visit_set(search, sets.fds[i]);
}

/* A directory of the kernel's has two links, and one for each directory in it (fs/proc/base.c,
 * proc_task_getattr). To ask takes no descriptor. Where that is not so, there may be any number. */
static int count_others(void)
{
	struct stat task;

	if (raw_stat("/proc/self/task", &task) != 0)
		return -errno;
	return task.st_nlink < 3 ? INT_MAX : (int)task.st_nlink - 3;
}

int waiters_each_listener(int at_least, void (*visit)(int fd, void *context), void *context)
{
	struct search search = {
		.visit = visit, .context = context, .self = (pid_t)RAW0(SYS_gettid)};
	const int others = count_others();
	int error;

	if (others < at_least)
		return others;
	error = procfs_each_task(look_at, &search);
	if (!error && search.is_denied && search.threads >= at_least)
		visit_all_sets(&search);
	return error ? error : search.threads;
}
