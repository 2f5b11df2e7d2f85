/* SPDX-License-Identifier: MIT */
#include "kernel/light_thread.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#include "base/failpoint.h"
#include "base/raw_memory.h"
#include "base/raw_syscall.h"
#include "kernel/thread_storage.h"

#define STACK_SIZE (256 * 1024)

/* As libc's threads; valgrind, for one, knows no other way. */
#define THREAD_FLAGS                                                                        \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* The kernel stores ABSENT when the thread has ended, and its stack is free again
 * (CLONE_CHILD_CLEARTID, set_tid_address(2)). */
enum { ABSENT, PRESENT, LEAVING };

static struct {
	_Atomic uint32_t state;
	_Atomic bool is_prepared;
	void (*run)(void);
	char *stack, *pointer;
} thread;

static char *map_stack(void)
{
	const long memory =
		raw_map(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, -1);

	return raw_map_failed(memory) ? NULL : (char *)memory;
}

int light_thread_prepare(void (*run)(void))
{
	thread.run = run;
	if (thread.is_prepared)
		return 0;
	if (!thread.stack)
		thread.stack = map_stack();
	if (!thread.pointer)
		thread.pointer = thread_storage_make();
	if (!thread.stack || !thread.pointer)
		return -ENOMEM;
	atomic_store(&thread.is_prepared, true);
	return 0;
}

static int thread_main(void *unused)
{
	(void)unused;
	/* For tools that know no order between clone(2) and this. */
	(void)atomic_load(&thread.state);
	thread.run();
	return 0;
}

static int make_thread(void)
{
	const uint64_t all = ~0ULL;
	const int saved = errno;
	int error = failpoint("thread");
	uint64_t before;
	pid_t unused;

	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	if (!error && clone(thread_main, thread.stack + STACK_SIZE, THREAD_FLAGS, NULL, &unused,
	                    thread.pointer, &thread.state) < 0)
		error = -errno;
	if (error)
		atomic_store(&thread.state, ABSENT);
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
	errno = saved;
	return error;
}

int light_thread_start(void)
{
	const struct timespec moment = {0, 10000000};

	if (!atomic_load(&thread.is_prepared))
		return -ENODATA;
	for (;;) {
		uint32_t state = ABSENT;

		if (atomic_compare_exchange_strong(&thread.state, &state, PRESENT))
			return make_thread();
		if (state == PRESENT)
			return 1;
		(void)RAW4(SYS_futex, &thread.state, FUTEX_WAIT, LEAVING, &moment);
	}
}

bool light_thread_exists(void)
{
	return atomic_load(&thread.state) == PRESENT;
}

bool light_thread_may_end(bool (*has_news)(void))
{
	const uint64_t all = ~0ULL;

	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
	atomic_store(&thread.state, LEAVING);
	if (!has_news()) {
		/* For the same tools: all this comes before the next thread. */
		atomic_store(&thread.state, LEAVING);
		return true;
	}
	atomic_store(&thread.state, PRESENT);
	(void)RAW3(SYS_futex, &thread.state, FUTEX_WAKE, INT32_MAX);
	return false;
}

void light_thread_forked(void)
{
	atomic_store(&thread.is_prepared, false);
	atomic_store(&thread.state, ABSENT);
}
