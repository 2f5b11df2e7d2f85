/* SPDX-License-Identifier: MIT */
#include "kernel/close_apart.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/bell.h"
#include "base/interpose.h"

#define STACK_SIZE (16 * 1024)

/* Runs in the other process. Makes only raw system calls: it borrows the TLS of the controller. */
static int hold(void *context)
{
	bell *closed = context;

	(void)RAW5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (atomic_load(closed) == 0)
		bell_wait(closed, 0, -1);
	(void)RAW1(SYS_exit_group, 0);
	return 0;
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		libc_calls.close(fds[i]);
}

static void close_beside(const int *fds, int count, char *stack)
{
	const uint64_t all = ~0ULL;
	bell closed = 0;
	uint64_t before;
	int status;
	pid_t pid;

	/* A handler of the server's would run in this process's memory. */
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	pid = clone(hold, stack + STACK_SIZE, CLONE_VM, &closed);
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
	close_all(fds, count);
	bell_ring(&closed);
	/* It has no exit signal: only a wait with __WCLONE sees it (wait(2)). */
	while (pid > 0 && waitpid(pid, &status, __WCLONE) < 0 && errno == EINTR)
		;
}

void close_apart(const int *fds, int count)
{
	char *stack;

	if (count == 0)
		return;
	stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
	             MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED) {
		close_all(fds, count);
		return;
	}
	close_beside(fds, count, stack);
	(void)munmap(stack, STACK_SIZE);
}
