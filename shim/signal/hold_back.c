/* SPDX-License-Identifier: MIT */
#include "signal/hold_back.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/raw_syscall.h"
#include "base/signal_set.h"
#include "kernel/procfs.h"
#include "kernel/procfs_task.h"

#define AWAIT_LOOKS 100
#define AWAIT_NS 100000

static struct {
	/* Where errno is in the controller's thread; NULL: there is none. Unlike gettid(2), a look at it is
	 * no call that a sandbox may forbid. */
	int *_Atomic errno_place;
	void (*wake)(void);
	_Atomic uint64_t held;
	_Atomic uint64_t sent; /* to a thread, which may block it */
} hold;

void hold_back_begin(void (*wake)(void))
{
	hold.wake = wake;
	atomic_store(&hold.held, 0);
	atomic_store(&hold.errno_place, &errno);
}

bool hold_back_is_this_thread(void)
{
	return atomic_load(&hold.errno_place) == &errno;
}

/* A thread may send any siginfo to itself, and the signal is its process's then
 * (do_rt_sigqueueinfo() in the kernel's kernel/signal.c compares with the thread's id). */
bool hold_back(int sig, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	if (!hold_back_is_this_thread())
		return false;
	sigaddset(&interrupted->uc_sigmask, sig);
	atomic_fetch_or(&hold.held, SIGNAL_BIT(sig));
	(void)RAW3(SYS_rt_sigqueueinfo, RAW0(SYS_gettid), sig, info);
	hold.wake();
	return true;
}

void hold_back_note_sent(int sig)
{
	atomic_fetch_or(&hold.sent, SIGNAL_BIT(sig));
}

static void add_pending(pid_t tid, void *context)
{
	uint64_t *pending = context, mask;

	if (procfs_task_read_mask(tid, "SigPnd:", &mask) == 0)
		*pending |= mask;
}

static uint64_t refresh_sent(void)
{
	const uint64_t sent = atomic_exchange(&hold.sent, 0);
	uint64_t pending = 0;

	if (sent)
		(void)procfs_each_task(add_pending, &pending);
	atomic_fetch_or(&hold.sent, sent & pending);
	return sent & pending;
}

static uint64_t refresh_held(void)
{
	const uint64_t held = atomic_load(&hold.held);
	uint64_t pending = 0, received;

	if (!held)
		return 0;
	(void)RAW2(SYS_rt_sigpending, &pending, sizeof(pending));
	received = held & ~pending;
	atomic_fetch_and(&hold.held, ~received);
	(void)RAW4(SYS_rt_sigprocmask, SIG_UNBLOCK, &received, NULL, sizeof(received));
	return held & pending;
}

uint64_t hold_back_refresh(void)
{
	return refresh_held() | refresh_sent();
}

bool hold_back_holds(int sig)
{
	uint64_t pending = 0;

	if (!signal_set_has(atomic_load(&hold.held), sig))
		return false;
	(void)RAW2(SYS_rt_sigpending, &pending, sizeof(pending));
	return signal_set_has(pending, sig);
}

/* Until no other thread can take it from under the server's eyes. */
static void await_held(int sig)
{
	for (int i = 0; i < AWAIT_LOOKS && atomic_load(&hold.errno_place); i++) {
		if (hold_back_holds(sig))
			return;
		(void)clock_sleep(AWAIT_NS);
	}
}

/* A thread may send any siginfo to itself (do_rt_sigqueueinfo() in the kernel's kernel/signal.c), for
 * all the process or for this thread alone. */
void hold_back_send_again(int sig, siginfo_t *info)
{
	const long tid = RAW0(SYS_gettid);

	if (info->si_code == SI_TKILL) {
		(void)RAW4(SYS_rt_tgsigqueueinfo, getpid(), tid, sig, info);
		return;
	}
	(void)RAW3(SYS_rt_sigqueueinfo, tid, sig, info);
	await_held(sig);
}

void hold_back_forked(void)
{
	atomic_store(&hold.sent, 0);
	atomic_store(&hold.errno_place, NULL);
	atomic_store(&hold.held, 0);
}
