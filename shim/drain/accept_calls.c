/* SPDX-License-Identifier: MIT */
#include "drain/accept_calls.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "base/secure_mode.h"
#include "kernel/procfs_task.h"
#include "kernel/sandbox.h"

/* No more threads than this are waited for. */
#define CALLERS 4096

#define MOMENT_NS 200000

/* Where /proc does not tell whether a thread sleeps, it may be about to return with a connection. It does
 * so by then, unless it sleeps. */
#define UNKNOWN_MS 300

/* An odd factor, so that no two of CALLERS successive ids share a slot. It puts threads that were
 * made one after another in different cache lines. */
#define SPREAD 9

static struct caller callers[CALLERS];

__thread struct caller *accept_calls_own;

static bool is_thread(pid_t pid, pid_t tid)
{
	return RAW3(SYS_tgkill, pid, tid, 0) == 0;
}

static struct caller *find_slot(void)
{
	const pid_t pid = getpid(), tid = (pid_t)RAW0(SYS_gettid);

	for (unsigned i = 0; i < CALLERS; i++) {
		struct caller *it = &callers[((unsigned)tid * SPREAD + i) % CALLERS];
		int32_t owner = atomic_load(&it->tid);

		if (owner == tid)
			return it;
		if ((owner == 0 || !is_thread(pid, owner)) &&
		    atomic_compare_exchange_strong(&it->tid, &owner, tid))
			return it;
	}
	return NULL;
}

/* In this order with what decides which socket accept() reaches: either the thread sees the change,
 * or the controller sees the thread. */
void accept_calls_enter(void)
{
	if (accept_calls_enter_again() || sandbox_is_tight() || secure_mode_is_on())
		return;
	accept_calls_own = find_slot();
	(void)accept_calls_enter_again();
}

void accept_calls_forked(void)
{
	accept_calls_own = NULL;
}

enum whereabouts { THREAD_SLEEPS_OR_IS_GONE, THREAD_IS_AWAKE, THREAD_IS_SOMEWHERE };

static enum whereabouts look_at(pid_t tid)
{
	const int state = procfs_task_state(tid);

	if (state > 0)
		return state == 'S' || state == 'Z' || state == 'X' ? THREAD_SLEEPS_OR_IS_GONE
		                                                    : THREAD_IS_AWAKE;
	return is_thread(getpid(), tid) ? THREAD_IS_SOMEWHERE : THREAD_SLEEPS_OR_IS_GONE;
}

/* END, or UNKNOWN_END where nobody knows what the thread does. */
static bool await_caller(const struct caller *caller, int64_t end, int64_t unknown_end)
{
	const uint32_t calls = atomic_load(&caller->calls);

	while (calls % 2 && atomic_load(&caller->calls) == calls) {
		const enum whereabouts it = look_at(atomic_load(&caller->tid));

		if (it == THREAD_SLEEPS_OR_IS_GONE)
			break;
		if (clock_now_ms() >= (it == THREAD_IS_SOMEWHERE ? unknown_end : end))
			return false;
		(void)clock_sleep(MOMENT_NS);
	}
	return true;
}

bool accept_calls_await(int64_t limit_ms)
{
	const int64_t now = clock_now_ms(), end = now + limit_ms;
	bool have_returned = true;

	atomic_thread_fence(memory_order_seq_cst);
	for (int i = 0; i < CALLERS; i++)
		have_returned &= await_caller(&callers[i], end, now + UNKNOWN_MS);
	return have_returned;
}
