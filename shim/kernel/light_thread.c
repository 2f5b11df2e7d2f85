/* SPDX-License-Identifier: MIT */
#include "kernel/light_thread.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/failpoint.h"
#include "base/raw_syscall.h"

#define STACK_SIZE (256 * 1024)
#define PAGE_SIZE 4096

/* Of x86-64. */
#define WORD 8

/* Room beyond the thread-local variables that we know: libc's descriptor of a thread. */
#define STORAGE_MARGIN (64 * 1024)

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

static __thread char own_variable;

static size_t distance(const char *a, const char *b)
{
	return a < b ? (size_t)(b - a) : (size_t)(a - b);
}

/* The static thread-local storage lies on either side of the thread pointer, as the architecture
 * has it. */
static size_t storage_size(const char *self)
{
	const size_t libc = distance(self, (const char *)&errno);
	const size_t own = distance(self, &own_variable);
	const size_t size = (libc > own ? libc : own) + STORAGE_MARGIN;

	return (size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
}

static char *map_zeros(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* On x86-64 the word at the thread pointer, and in glibc the third, is the pointer itself; code that
 * was compiled with a stack protector finds its guard at offset 40. */
static char *make_pointer(void)
{
	const char *self = __builtin_thread_pointer();
	const size_t size = storage_size(self);
	char *pointer = map_zeros(2 * size);

	if (!pointer)
		return NULL;
	pointer += size;
#ifdef __x86_64__
	memcpy(pointer, &pointer, WORD);
	memcpy(pointer + 2 * WORD, &pointer, WORD);
	memcpy(pointer + 5 * WORD, self + 5 * WORD, 2 * WORD);
#endif
	return pointer;
}

int light_thread_prepare(void (*run)(void))
{
	thread.run = run;
	if (thread.is_prepared)
		return 0;
	if (!thread.stack)
		thread.stack = map_zeros(STACK_SIZE);
	if (!thread.pointer)
		thread.pointer = make_pointer();
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
