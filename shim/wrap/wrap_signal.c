/* SPDX-License-Identifier: MIT */
/* Wraps the calls by which a server sets the disposition of a signal or waits for one. */
#include "base/interpose.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/secure_mode.h"
#include "base/signal_set.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "kernel/caller_memory.h"
#include "signal/dispositions.h"
#include "signal/restart.h"
#include "signal/wake_signal.h"

typedef void (*handler)(int);

EXPORT int sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
	libc_calls_ensure();
	return dispositions_set(sig, action, old);
}

static handler set_handler_masking(int sig, handler function, int flags, bool masks_itself)
{
	struct sigaction action = {.sa_handler = function, .sa_flags = flags}, old;

	libc_calls_ensure();
	if (function == SIG_ERR || (masks_itself && sigaddset(&action.sa_mask, sig) != 0)) {
		errno = EINVAL;
		return SIG_ERR;
	}
	return dispositions_set(sig, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

/* glibc's signal() names the signal in its own sa_mask (sysdeps/posix/signal.c), and a program can
 * read that back; musl's does not. */
#ifdef __GLIBC__
#define SIGNAL_MASKS_ITSELF true
#else
#define SIGNAL_MASKS_ITSELF false
#endif

/* Signals for which the server has called siginterrupt(3): signal() sets no SA_RESTART for them. */
static _Atomic uint64_t interrupting;

static int restart_flag(int sig)
{
	const bool is_interrupting = signal_is_valid(sig) && signal_set_has(interrupting, sig);

	return is_interrupting ? 0 : SA_RESTART;
}

EXPORT handler signal(int sig, handler function)
{
	return set_handler_masking(sig, function, restart_flag(sig), SIGNAL_MASKS_ITSELF);
}

EXPORT int siginterrupt(int sig, int flag)
{
	struct sigaction action;

	if (sigaction(sig, NULL, &action) != 0)
		return -1;
	if (flag) {
		interrupting |= SIGNAL_BIT(sig);
		action.sa_flags &= ~SA_RESTART;
	} else {
		interrupting &= ~SIGNAL_BIT(sig);
		action.sa_flags |= SA_RESTART;
	}
	return sigaction(sig, &action, NULL);
}

#ifdef __GLIBC__
static handler set_handler(int sig, handler function, int flags)
{
	return set_handler_masking(sig, function, flags, false);
}

/* An older name of sigsuspend(): it waits with the present mask less one signal. */
static int suspend_without(int sig)
{
	sigset_t mask;

	if (sigprocmask(SIG_SETMASK, NULL, &mask) != 0 || sigdelset(&mask, sig) != 0)
		return -1;
	return sigsuspend(&mask);
}

EXPORT int __xpg_sigpause(int sig)
{
	return suspend_without(sig);
}

EXPORT int __sigsuspend(const sigset_t *mask)
{
	return sigsuspend(mask);
}

EXPORT int __sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
	return sigaction(sig, action, old);
}

EXPORT handler bsd_signal(int sig, handler function)
{
	return signal(sig, function);
}

EXPORT handler ssignal(int sig, handler function)
{
	return signal(sig, function);
}

EXPORT handler sysv_signal(int sig, handler function)
{
	return set_handler(sig, function, (int)(SA_RESETHAND | SA_NODEFER));
}

EXPORT handler __sysv_signal(int sig, handler function)
{
	return sysv_signal(sig, function);
}

EXPORT int sigignore(int sig)
{
	return set_handler(sig, SIG_IGN, 0) == SIG_ERR ? -1 : 0;
}

/* sigset(3): SIG_HOLD blocks and leaves the disposition; anything else sets it and unblocks. */
EXPORT handler sigset(int sig, handler function)
{
	const struct sigaction action = {.sa_handler = function};
	struct sigaction present;
	sigset_t one, before;

	if (sigemptyset(&one) != 0 || sigaddset(&one, sig) != 0)
		return SIG_ERR;
	if (function == SIG_HOLD) {
		if (sigprocmask(SIG_BLOCK, &one, &before) != 0 ||
		    sigaction(sig, NULL, &present) != 0)
			return SIG_ERR;
		return sigismember(&before, sig) ? SIG_HOLD : present.sa_handler;
	}
	if (sigaction(sig, &action, &present) != 0 || sigprocmask(SIG_UNBLOCK, &one, &before) != 0)
		return SIG_ERR;
	return sigismember(&before, sig) ? SIG_HOLD : present.sa_handler;
}
#endif

/* The kernel has taken the signal by then (kernel/signal.c, sys_rt_sigtimedwait). */
static int give_info(int sig, const siginfo_t *own, siginfo_t *info)
{
	if (sig <= 0 || !info || caller_memory_put(info, own, sizeof(*own)))
		return sig;
	errno = EFAULT;
	return -1;
}

/* If a wait gets a signal that Octopus has taken, Octopus handles it, and the wait goes on for the
 * rest of its time. The wait also goes on when only a handler of Octopus's has interrupted it. */
EXPORT int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	const int64_t begun = timeout ? clock_now_ns() : 0;
	struct timespec rest;
	siginfo_t own;
	int sig;

	if (secure_mode_is_on())
		return libc_calls.sigtimedwait(set, info, timeout);
	if (caller_memory_is_readable(set, sizeof(uint64_t)))
		dispositions_note_wait(set);
	if (first_wait_is_watched())
		first_wait_idly();
	sig = libc_calls.sigtimedwait(set, &own, timeout);
	while (sig > 0 ? dispositions_intercept(sig, &own) : restart_is_due()) {
		const int64_t passed = timeout ? clock_now_ns() - begun : 0;

		sig = libc_calls.sigtimedwait(set, &own, restart_rest_of(timeout, passed, &rest));
	}
	return give_info(sig, &own, info);
}

EXPORT int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	return sigtimedwait(set, info, NULL);
}

/* Returns the error, and never EINTR (sigwait(3)). */
EXPORT int sigwait(const sigset_t *set, int *ret_sig)
{
	const int saved = errno;
	int sig, error;

	do
		sig = sigtimedwait(set, NULL, NULL);
	while (sig < 0 && errno == EINTR);
	error = sig < 0 ? errno : 0;
	errno = saved;
	if (sig > 0)
		*ret_sig = sig;
	return error;
}

/* What comes from outside is not the server's yet. A server that asks would else stop by itself. */
EXPORT int sigpending(sigset_t *set)
{
	const int result = libc_calls.sigpending(set);

	if (UNLIKELY(result == 0 && dispositions_taken()))
		dispositions_intercept_pending(set);
	return result;
}

EXPORT int signalfd(int fd, const sigset_t *mask, int flags)
{
	return dispositions_signalfd(fd, mask, flags);
}

/* A signal to one thread never comes to the controller's. If the thread blocks it, for a signalfd,
 * the controller has to look for it. */
static int sent_to_thread(int sig, int result)
{
	if (result == 0 && dispositions_note_sent(sig))
		controller_wake();
	return result;
}

EXPORT int raise(int sig)
{
	libc_calls_ensure();
	return sent_to_thread(sig, libc_calls.raise(sig));
}

EXPORT int pthread_kill(pthread_t thread, int sig)
{
	libc_calls_ensure();
	return sent_to_thread(sig, libc_calls.pthread_kill(thread, sig));
}

/* glibc sets its handler for the signal that wakes a worker when it first cancels a thread. */
EXPORT int pthread_cancel(pthread_t thread)
{
	int error;

	libc_calls_ensure();
	error = libc_calls.pthread_cancel(thread);
	wake_signal_arm_again();
	return error;
}

static void mask_was_set(int how, const sigset_t *set)
{
	if (UNLIKELY(dispositions_taken()) && set && how != SIG_UNBLOCK &&
	    dispositions_taken() & signal_set_from_sigset(set))
		controller_note_mask();
}

EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	int error;

	libc_calls_ensure();
	error = libc_calls.pthread_sigmask(how, set, old);
	if (error == 0)
		mask_was_set(how, set);
	return error;
}

EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	int result;

	libc_calls_ensure();
	result = libc_calls.sigprocmask(how, set, old);
	if (result == 0)
		mask_was_set(how, set);
	return result;
}
