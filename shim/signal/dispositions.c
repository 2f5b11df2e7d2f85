/* SPDX-License-Identifier: MIT */
#include "signal/dispositions.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "base/settings.h"
#include "base/signal_set.h"
#include "generation/generation.h"
#include "generation/start_image.h"
#include "kernel/masks.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"
#include "signal/handlers.h"
#include "signal/hold_back.h"
#include "signal/origin.h"
#include "signal/own_dispositions.h"
#include "signal/signalfds.h"

static struct {
	_Atomic uint64_t taken;
	_Atomic uint64_t released; /* given back to the server, for its end */
	_Atomic uint64_t shielded; /* in a worker: our shield runs before the server's handler */
	_Atomic uint64_t
		caught;      /* the server has set a handler, whether we took the signal or not */
	uint64_t shown_held; /* the controller's: held back, and in the signalfds */
	_Atomic uint64_t awaited; /* a sigwait of the server waits for it, or has waited */
} dispositions;

void dispositions_take(disposition_sink sink)
{
	handlers_use_sink(sink);
	FOR_EACH_SIGNAL (sig) {
		struct sigaction present;

		if (settings.requests[sig] == REQUEST_NONE || dispositions_is_taken(sig))
			continue;
		if (!signal_set_has(atomic_load(&dispositions.shielded), sig)) {
			if (libc_calls.sigaction(sig, NULL, &present) != 0)
				continue;
			own_disposition_remember(sig, &present);
		}
		atomic_fetch_and(&dispositions.shielded, ~SIGNAL_BIT(sig));
		atomic_fetch_or(&dispositions.taken, SIGNAL_BIT(sig));
		handlers_install(sig);
	}
	signalfds_refresh(atomic_load(&dispositions.taken));
}

void dispositions_give_back(bool shield)
{
	const uint64_t taken = atomic_exchange(&dispositions.taken, 0);

	FOR_EACH_SIGNAL (sig) {
		struct sigaction own;

		if (!signal_set_has(taken, sig))
			continue;
		if (shield && settings.requests[sig] == REQUEST_STOP) {
			atomic_fetch_or(&dispositions.shielded, SIGNAL_BIT(sig));
			handlers_install_shield(sig);
			continue;
		}
		own = own_disposition_of(sig);
		libc_calls.sigaction(sig, &own, NULL);
	}
	signalfds_make_own(taken);
}

bool dispositions_note_sent(int sig)
{
	if (!dispositions_is_taken(sig) || !signalfds_want(SIGNAL_BIT(sig)))
		return false;
	hold_back_note_sent(sig);
	return true;
}

bool dispositions_refresh_held(void)
{
	const uint64_t held = hold_back_refresh();

	if (held != dispositions.shown_held)
		signalfds_refresh(atomic_load(&dispositions.taken) & ~held);
	dispositions.shown_held = held;
	return held != 0;
}

void dispositions_release(int sig, void (*leave)(void))
{
	if (!dispositions_is_taken(sig))
		return;
	handlers_leave_by(leave);
	handlers_install_last(sig);
	atomic_fetch_or(&dispositions.released, SIGNAL_BIT(sig));
	atomic_fetch_and(&dispositions.taken, ~SIGNAL_BIT(sig));
	signalfds_refresh(atomic_load(&dispositions.taken));
}

/* A server that has blocked it itself, in all its threads, is about to wait for it. One that has
 * just received it blocks it until our handler returns. */
static bool is_blocked_on_purpose(int sig)
{
	return !signal_set_has(start_image.blocked, sig) && !handlers_reached_server(sig) &&
	       masks_surely_block(SIGNAL_BIT(sig));
}

bool dispositions_has_own_way(int sig)
{
	struct sigaction present;

	if (signal_set_has(atomic_load(&dispositions.awaited), sig) || is_blocked_on_purpose(sig))
		return true;
	if (signalfds_want(SIGNAL_BIT(sig)))
		return true;
	if (dispositions_is_taken(sig)) {
		present = own_disposition_of(sig);
		return own_disposition_is_handler(&present);
	}
	return libc_calls.sigaction(sig, NULL, &present) == 0 &&
	       own_disposition_is_handler(&present);
}

bool dispositions_is_ignored(int sig)
{
	return own_disposition_of(sig).sa_handler == SIG_IGN;
}

uint64_t dispositions_taken(void)
{
	return atomic_load_explicit(&dispositions.taken, memory_order_relaxed);
}

bool dispositions_is_taken(int sig)
{
	return signal_is_valid(sig) && signal_set_has(dispositions_taken(), sig);
}

bool dispositions_expects_interrupts(void)
{
	static const uint64_t faults = SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) |
	                               SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGILL) |
	                               SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGABRT) |
	                               SIGNAL_BIT(SIGSYS) | SIGNAL_BIT(SIGPIPE);

	return (atomic_load(&dispositions.caught) & ~faults & ~dispositions_taken()) != 0;
}

static int set_in_kernel(int sig, const struct sigaction *action, struct sigaction *ret_old)
{
	struct sigaction old;

	if (!action || !signal_is_valid(sig) || start_image_is_changed(sig))
		return libc_calls.sigaction(sig, action, ret_old);
	if (libc_calls.sigaction(sig, action, &old) != 0)
		return -1;
	start_image_note_change(sig, &old);
	if (ret_old)
		*ret_old = old;
	return 0;
}

static void install_released(int sig, const struct sigaction *action)
{
	if (action->sa_handler == SIG_DFL)
		handlers_install_leave(sig);
	else
		libc_calls.sigaction(sig, action, NULL);
}

static void note_handler(int sig, const struct sigaction *action)
{
	if (action && own_disposition_is_handler(action))
		atomic_fetch_or(&dispositions.caught, SIGNAL_BIT(sig));
}

int dispositions_set(int sig, const struct sigaction *action, struct sigaction *ret_old)
{
	const bool in_range = signal_is_valid(sig);
	const uint64_t ours = atomic_load(&dispositions.taken) |
	                      atomic_load(&dispositions.shielded) |
	                      atomic_load(&dispositions.released);
	struct sigaction old;

	if (!in_range || !signal_set_has(ours, sig) || !generation_is_of_this_process()) {
		const int result = set_in_kernel(sig, action, ret_old);

		/* libc has read ACTION only if it has not refused SIG. */
		if (result == 0)
			note_handler(sig, action);
		return result;
	}
	note_handler(sig, action);
	old = own_disposition_of(sig);
	if (action) {
		own_disposition_remember(sig, action);
		if (signal_set_has(atomic_load(&dispositions.shielded), sig))
			handlers_install_shield(sig);
		else if (signal_set_has(atomic_load(&dispositions.released), sig))
			install_released(sig, action);
		else
			handlers_install(sig);
	}
	if (ret_old)
		*ret_old = old;
	return 0;
}

bool dispositions_intercept(int sig, const siginfo_t *info)
{
	if (!dispositions_is_taken(sig) || !generation_is_of_this_process() ||
	    atomic_load(&generation.role) != ROLE_LEADER || origin_is_own(info))
		return false;
	return handlers_pass_to_sink(sig, info);
}

void dispositions_intercept_pending(sigset_t *pending)
{
	const struct timespec no_time = {0};

	FOR_EACH_SIGNAL (sig) {
		const uint64_t one = SIGNAL_BIT(sig);
		siginfo_t info;

		if (sigismember(pending, sig) != 1 || !dispositions_is_taken(sig) ||
		    !generation_is_of_this_process() || sandbox_is_tight() || hold_back_holds(sig))
			continue;
		/* Else the controller's thread has taken it since. */
		if (RAW4(SYS_rt_sigtimedwait, &one, &info, &no_time, sizeof(one)) == sig &&
		    !dispositions_intercept(sig, &info))
			hold_back_send_again(sig, &info);
		else
			sigdelset(pending, sig);
	}
}

void dispositions_note_wait(const sigset_t *set)
{
	FOR_EACH_SIGNAL (sig) {
		if (settings.requests[sig] != REQUEST_NONE && sigismember(set, sig) == 1)
			atomic_fetch_or(&dispositions.awaited, SIGNAL_BIT(sig));
	}
}

int dispositions_signalfd(int fd, const sigset_t *mask, int flags)
{
	const int result = libc_calls.signalfd(fd, mask, flags);

	if (result >= 0 &&
	    (atomic_load(&generation.role) == ROLE_NONE || generation_is_of_this_process()))
		signalfds_note(result, mask, dispositions_taken());
	return result;
}

uint64_t dispositions_prepare_exec(void)
{
	const uint64_t ours =
		atomic_load(&dispositions.taken) | atomic_load(&dispositions.shielded);
	uint64_t changed = 0;

	FOR_EACH_SIGNAL (sig) {
		struct sigaction own;

		if (!signal_set_has(ours, sig))
			continue;
		own = own_disposition_of(sig);
		if (own.sa_handler != SIG_IGN)
			continue;
		libc_calls.sigaction(sig, &own, NULL);
		changed |= SIGNAL_BIT(sig);
	}
	return changed;
}

void dispositions_undo_exec(uint64_t changed)
{
	FOR_EACH_SIGNAL (sig) {
		if (!signal_set_has(changed, sig))
			continue;
		if (signal_set_has(atomic_load(&dispositions.taken), sig))
			handlers_install(sig);
		else
			handlers_install_shield(sig);
	}
}
