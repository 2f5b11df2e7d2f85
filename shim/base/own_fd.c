/* SPDX-License-Identifier: MIT */
#include "base/own_fd.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"

/* A bracket takes microseconds, but its thread may be preempted meanwhile. And no wait may be for
 * ever: a handler may fork while its thread waits for another. */
#define LIMIT_MS 100
#define LOOK_NS 20000

/* Each side announces itself before it looks for the other, so that one of two sees the other. */
static _Atomic int open_brackets, forks;

/* Brackets of this thread, within which its handlers may fork. */
static __thread int depth;

/* Returns whether at most OWN are left. */
static bool wait_for_others(_Atomic int *others, int own)
{
	const int64_t end = clock_now_ms() + LIMIT_MS;
	const int saved = errno;

	while (atomic_load(others) > own && clock_now_ms() < end)
		(void)clock_sleep(LOOK_NS);
	errno = saved;
	return atomic_load(others) <= own;
}

void own_fd_begin(void)
{
	if (depth++ > 0)
		return;
	for (bool go_on = true;;) {
		atomic_fetch_add(&open_brackets, 1);
		if (atomic_load(&forks) == 0 || !go_on)
			return;
		atomic_fetch_sub(&open_brackets, 1);
		go_on = wait_for_others(&forks, 0);
	}
}

void own_fd_end(void)
{
	if (--depth == 0)
		atomic_fetch_sub(&open_brackets, 1);
}

void own_fd_fork_begins(void)
{
	atomic_fetch_add(&forks, 1);
	if (atomic_load(&open_brackets) > (depth > 0))
		(void)wait_for_others(&open_brackets, depth > 0);
}

void own_fd_forked_in_parent(void)
{
	atomic_fetch_sub(&forks, 1);
}

void own_fd_forked_in_child(void)
{
	atomic_store(&forks, 0);
	atomic_store(&open_brackets, depth > 0);
}
