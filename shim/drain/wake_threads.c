/* SPDX-License-Identifier: MIT */
#include "drain/wake_threads.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "kernel/procfs.h"
#include "kernel/procfs_task.h"
#include "signal/our_interrupts.h"

/* glibc uses this signal for setuid() in threaded programs. No program can block it through libc.
 * Its handler (SA_RESTART) returns at once unless si_code is SI_TKILL (nptl/nptl_setxid.c). So with
 * another code it wakes a thread and does nothing else, even a thread that blocks "all" signals. */
#define GLIBC_SIGSETXID 33

struct waking {
	const int *fds;
	int count;
	pid_t pid, self;
	int sig;
};

static void on_nothing(int sig)
{
	(void)sig;
	our_interrupts_note();
}

/* The first field of the kernel's struct sigaction is the handler (rt_sigaction(2)). */
static bool is_caught(int sig)
{
	long action[4] = {0};

	return RAW4(SYS_rt_sigaction, sig, NULL, action, sizeof(uint64_t)) == 0 &&
	       action[0] != (long)SIG_DFL && action[0] != (long)SIG_IGN;
}

static int choose_signal(void)
{
#ifdef __GLIBC__
	if (is_caught(GLIBC_SIGSETXID))
		return GLIBC_SIGSETXID;
#endif
	/* SIGURG has no effect unless the server catches it, and then the server expects it at any
	 * time. */
	if (!is_caught(SIGURG)) {
		struct sigaction action = {.sa_handler = on_nothing,
		                           .sa_flags = SA_RESTART | SA_ONSTACK};

		libc_calls.sigaction(SIGURG, &action, NULL);
	}
	return SIGURG;
}

static bool waits_on(const struct waking *waking, long call, long argument)
{
	switch (call) {
#ifdef SYS_accept
	case SYS_accept:
#endif
	case SYS_accept4:
		for (int i = 0; i < waking->count; i++) {
			if (waking->fds[i] == (int)argument)
				return true;
		}
		return false;
#ifdef SYS_poll
	case SYS_poll:
#endif
#ifdef SYS_select
	case SYS_select:
#endif
	case SYS_ppoll:
	case SYS_pselect6:
	case -1: /* the thread runs, and may be about to enter one of these */
		return true;
	default:
		return false;
	}
}

static void wake(pid_t tid, void *context)
{
	const struct waking *waking = context;
	siginfo_t info = {.si_signo = waking->sig, .si_code = SI_QUEUE};
	long call, argument;

	if (tid == waking->self)
		return;
	if (procfs_task_syscall(tid, &call, &argument) == 0 && !waits_on(waking, call, argument))
		return;
	info.si_pid = waking->pid;
	(void)RAW4(SYS_rt_tgsigqueueinfo, waking->pid, tid, waking->sig, &info);
}

void wake_threads(const int *fds, int count)
{
	struct waking waking = {fds, count, getpid(), (pid_t)RAW0(SYS_gettid), choose_signal()};

	(void)procfs_each_task(wake, &waking);
}
