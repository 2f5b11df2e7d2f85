/* SPDX-License-Identifier: MIT */
/* Who waits for a thread that is inside accept(): until it is out, or sleeps; and where /proc does not tell
 * which, for a while.
 * Links: base/clock.c base/vdso.c drain/accept_calls.c
 */
#include "drain/accept_calls.h"
#include "expect.h"
#include "kernel/procfs_task.h"
#include "kernel/sandbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

enum { INSIDE_MS = 10, LIMIT_MS = 60000 };

_Atomic uint32_t sandbox_deadly;

/* What /proc says of the thread. */
static _Atomic int state;

static _Atomic bool is_inside, may_leave, has_left;

int procfs_task_state(pid_t tid)
{
	(void)tid;
	return atomic_load(&state);
}

static void *accept_once(void *unused)
{
	(void)unused;
	accept_calls_enter();
	atomic_store(&is_inside, true);
	for (int i = 0; i < INSIDE_MS || !atomic_load(&may_leave); i++)
		usleep(1000);
	atomic_store(&has_left, true);
	accept_calls_leave();
	return NULL;
}

/* Returns whether the wait took the call for over. */
static bool wait_for_call(int says, bool leaves)
{
	pthread_t thread;
	bool result;

	atomic_store(&state, says);
	atomic_store(&is_inside, false);
	atomic_store(&has_left, false);
	atomic_store(&may_leave, leaves);
	if (pthread_create(&thread, NULL, accept_once, NULL) != 0)
		return false;
	while (!atomic_load(&is_inside))
		usleep(100);
	result = accept_calls_await(LIMIT_MS);
	/* Out, or known to sleep. */
	expect_number("it was out when the wait ended", atomic_load(&has_left),
	              says != 'S' && result);
	atomic_store(&may_leave, true);
	pthread_join(thread, NULL);
	return result;
}

int main(void)
{
	expect_number("a thread that runs", wait_for_call('R', true), true);
	expect_number("a thread that sleeps", wait_for_call('S', false), true);
	expect_number("without /proc, a thread that comes out", wait_for_call(-ENOENT, true), true);
	expect_number("without /proc, one that stays", wait_for_call(-ENOENT, false), false);
	expect_number("no descriptor for /proc", wait_for_call(-EMFILE, true), true);
	atomic_store(&state, -ENOENT);
	expect_number("threads that have ended", accept_calls_await(LIMIT_MS), true);
	return expect_status();
}
