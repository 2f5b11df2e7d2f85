/* SPDX-License-Identifier: MIT */
#include "drain/accept_calls.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "kernel/procfs_task.h"
#include "kernel/sandbox.h"

/* No more threads than this are waited for. */
#define CALLERS 4096

#define MOMENT_NS 200000

/* An odd factor, so that no two of CALLERS successive ids share a slot. It puts threads that were
 * made one after another in different cache lines. */
#define SPREAD 9

/* Only its thread writes CALLS, which is odd inside of a call. A slot is never given back: a thread
 * that finds no free one takes that of a thread that has ended. */
static struct caller {
	_Atomic int32_t tid; /* 0: free */
	_Atomic uint32_t calls;
} callers[CALLERS];

static __thread struct caller *own;

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
	if (UNLIKELY(!own) && !sandbox_is_tight())
		own = find_slot();
	if (own)
		atomic_store_explicit(
			&own->calls,
			(atomic_load_explicit(&own->calls, memory_order_relaxed) + 1) | 1,
			memory_order_seq_cst);
}

/* The call of a handler may already have ended that of the code which it interrupted. */
void accept_calls_leave(void)
{
	const uint32_t calls = own ? atomic_load_explicit(&own->calls, memory_order_relaxed) : 0;

	if (calls % 2)
		atomic_store_explicit(&own->calls, calls + 1, memory_order_release);
}

void accept_calls_forked(void)
{
	own = NULL;
}

static bool await_caller(const struct caller *caller, int64_t end)
{
	const uint32_t calls = atomic_load(&caller->calls);

	while (calls % 2 && atomic_load(&caller->calls) == calls &&
	       procfs_task_is_awake(atomic_load(&caller->tid))) {
		if (clock_now_ms() >= end)
			return false;
		(void)clock_sleep(MOMENT_NS);
	}
	return true;
}

bool accept_calls_await(int64_t limit_ms)
{
	const int64_t end = clock_now_ms() + limit_ms;

	atomic_thread_fence(memory_order_seq_cst);
	for (int i = 0; i < CALLERS; i++) {
		if (!await_caller(&callers[i], end))
			return false;
	}
	return true;
}
