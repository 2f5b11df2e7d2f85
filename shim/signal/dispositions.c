/* SPDX-License-Identifier: MIT */
#include "signal/dispositions.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/interpose.h"
#include "base/settings.h"
#include "base/signal_set.h"
#include "base/text.h"
#include "generation/generation.h"
#include "generation/start_image.h"
#include "kernel/procfs.h"
#include "signal/signalfds.h"

/* What the server wants for a signal. A handler may read it while another thread writes: the writer
 * fills the slot that is not current, then turns. */
struct wish {
	struct sigaction slots[2];
	_Atomic int current;
};

static struct {
	struct wish wishes[SIGNAL_LAST + 1];
	_Atomic uint64_t taken;
	_Atomic uint64_t released; /* given back to the server, for its end */
	_Atomic uint64_t shielded; /* in a worker: our shield stands before the server's handler */
	_Atomic uint64_t
		caught; /* the server has set a handler, whether we took the signal or not */
	_Atomic uint64_t awaited; /* a sigwait of the server has named it */
	disposition_sink sink;
	void (*leave)(void);
} dispositions;

static struct sigaction wish_of(int sig)
{
	struct wish *wish = &dispositions.wishes[sig];

	return wish->slots[atomic_load(&wish->current)];
}

static void remember(int sig, const struct sigaction *action)
{
	struct wish *wish = &dispositions.wishes[sig];
	const int other = !atomic_load(&wish->current);

	wish->slots[other] = *action;
	/* As the kernel does, and so it reads back. */
	sigdelset(&wish->slots[other].sa_mask, SIGKILL);
	sigdelset(&wish->slots[other].sa_mask, SIGSTOP);
	atomic_store(&wish->current, other);
}

static bool is_function(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

static void set_default(int sig)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	libc_calls.sigaction(sig, &action, NULL);
}

/* Does what the server's own disposition would have done. */
static void run_wish(int sig, siginfo_t *info, void *context)
{
	const struct sigaction wish = wish_of(sig);

	if (wish.sa_handler == SIG_IGN)
		return;
	if (wish.sa_handler == SIG_DFL) {
		set_default(sig);
		(void)raise(sig);
		return;
	}
	if (wish.sa_flags & SA_RESETHAND) {
		const struct sigaction none = {.sa_handler = SIG_DFL};

		remember(sig, &none);
	}
	if (wish.sa_flags & SA_SIGINFO)
		wish.sa_sigaction(sig, info, context);
	else
		wish.sa_handler(sig);
}

/* A successor that does not listen yet: a stop is for it alone, in the server's way, but a request
 * to upgrade must not kill what is being born. */
static void on_early_signal(int sig, siginfo_t *info, void *context)
{
	const enum request request = settings.requests[sig];

	if (request != REQUEST_STOP && wish_of(sig).sa_handler == SIG_DFL)
		return;
	run_wish(sig, info, context);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	const int saved = errno;

	if (getpid() != generation.pid)
		run_wish(sig, info, context); /* a child of a raw clone(2), before its exec */
	else if (atomic_load(&generation.role) == ROLE_LEADER)
		dispositions.sink(sig, info);
	else
		on_early_signal(sig, info, context);
	errno = saved;
}

/* A Ctrl-C comes from the kernel (SI_KERNEL, sigaction(2)) to the whole foreground group. Without a
 * leader to conduct it, it is the worker's own. */
static void on_shielded_signal(int sig, siginfo_t *info, void *context)
{
	const int saved = errno;
	const pid_t leader = generation.page ? atomic_load(&generation.page->leader) : 0;

	if (info->si_code != SI_KERNEL || leader == 0 || libc_calls.kill(leader, 0) != 0)
		run_wish(sig, info, context);
	errno = saved;
}

static void install(int sig)
{
	struct sigaction ours = {.sa_sigaction = on_signal,
	                         .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

	libc_calls.sigaction(sig, &ours, NULL);
}

/* The shield has the flags of the handler behind it, so that a call that the server wants
 * interrupted is interrupted. */
static void install_shield(int sig)
{
	const struct sigaction wish = wish_of(sig);
	struct sigaction shield = wish;

	if (wish.sa_handler == SIG_IGN) {
		libc_calls.sigaction(sig, &wish, NULL);
		return;
	}
	shield.sa_sigaction = on_shielded_signal;
	shield.sa_flags = (wish.sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
	if (wish.sa_handler == SIG_DFL)
		shield.sa_flags |= SA_RESTART;
	libc_calls.sigaction(sig, &shield, NULL);
}

void dispositions_take(disposition_sink sink)
{
	dispositions.sink = sink;
	FOR_EACH_SIGNAL(sig)
	{
		struct sigaction present;

		if (settings.requests[sig] == REQUEST_NONE || dispositions_is_taken(sig))
			continue;
		if (!signal_set_has(atomic_load(&dispositions.shielded), sig)) {
			if (libc_calls.sigaction(sig, NULL, &present) != 0)
				continue;
			remember(sig, &present);
		}
		atomic_fetch_and(&dispositions.shielded, ~SIGNAL_BIT(sig));
		atomic_fetch_or(&dispositions.taken, SIGNAL_BIT(sig));
		install(sig);
	}
	signalfds_refresh(atomic_load(&dispositions.taken));
}

void dispositions_give_back(bool shield)
{
	const uint64_t taken = atomic_exchange(&dispositions.taken, 0);

	FOR_EACH_SIGNAL(sig)
	{
		struct sigaction wish;

		if (!signal_set_has(taken, sig))
			continue;
		if (shield && sig == SIGINT && settings.requests[sig] == REQUEST_STOP) {
			atomic_fetch_or(&dispositions.shielded, SIGNAL_BIT(sig));
			install_shield(sig);
			continue;
		}
		wish = wish_of(sig);
		libc_calls.sigaction(sig, &wish, NULL);
	}
	signalfds_make_own(taken);
}

static void on_leave(int sig)
{
	(void)sig;
	dispositions.leave();
}

static void install_leave(int sig)
{
	struct sigaction action = {.sa_handler = on_leave, .sa_flags = SA_ONSTACK};

	libc_calls.sigaction(sig, &action, NULL);
}

/* Before a handler that is to run once (SA_RESETHAND): what the kernel would reset to SIG_DFL. */
static void on_last_signal(int sig, siginfo_t *info, void *context)
{
	install_leave(sig);
	run_wish(sig, info, context);
}

void dispositions_release(int sig, void (*leave)(void))
{
	struct sigaction wish, action;

	if (!dispositions_is_taken(sig))
		return;
	dispositions.leave = leave;
	wish = action = wish_of(sig);
	if (is_function(&wish) && wish.sa_flags & SA_RESETHAND) {
		action.sa_sigaction = on_last_signal;
		action.sa_flags = (wish.sa_flags & ~(int)SA_RESETHAND) | SA_SIGINFO;
	}
	libc_calls.sigaction(sig, &action, NULL);
	atomic_fetch_or(&dispositions.released, SIGNAL_BIT(sig));
	atomic_fetch_and(&dispositions.taken, ~SIGNAL_BIT(sig));
	signalfds_refresh(atomic_load(&dispositions.taken));
}

bool dispositions_has_own_way(int sig)
{
	struct sigaction present;

	if (signal_set_has(atomic_load(&dispositions.awaited), sig))
		return true;
	if (signalfds_want(SIGNAL_BIT(sig)))
		return true;
	if (dispositions_is_taken(sig)) {
		present = wish_of(sig);
		return is_function(&present);
	}
	return libc_calls.sigaction(sig, NULL, &present) == 0 && is_function(&present);
}

bool dispositions_is_ignored(int sig)
{
	return wish_of(sig).sa_handler == SIG_IGN;
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

bool dispositions_interrupted_us(void)
{
	return errno == EINTR && dispositions_taken() && !dispositions_expects_interrupts();
}

/* A vfork child runs in our memory, but what it sets is its own. */
static bool is_for_this_process(void)
{
	return getpid() == generation.pid;
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
		install_leave(sig);
	else
		libc_calls.sigaction(sig, action, NULL);
}

int dispositions_set(int sig, const struct sigaction *action, struct sigaction *ret_old)
{
	const bool in_range = signal_is_valid(sig);
	const uint64_t ours = atomic_load(&dispositions.taken) |
	                      atomic_load(&dispositions.shielded) |
	                      atomic_load(&dispositions.released);
	struct sigaction old;

	if (in_range && action && is_function(action))
		atomic_fetch_or(&dispositions.caught, SIGNAL_BIT(sig));
	if (!in_range || !signal_set_has(ours, sig) || !is_for_this_process())
		return set_in_kernel(sig, action, ret_old);
	old = wish_of(sig);
	if (action) {
		remember(sig, action);
		if (signal_set_has(atomic_load(&dispositions.shielded), sig))
			install_shield(sig);
		else if (signal_set_has(atomic_load(&dispositions.released), sig))
			install_released(sig, action);
	}
	if (ret_old)
		*ret_old = old;
	return 0;
}

bool dispositions_intercept(int sig, const siginfo_t *info)
{
	if (!dispositions_is_taken(sig) || !is_for_this_process() ||
	    atomic_load(&generation.role) != ROLE_LEADER)
		return false;
	dispositions.sink(sig, info);
	return true;
}

void dispositions_note_wait(const sigset_t *set)
{
	FOR_EACH_SIGNAL(sig)
	{
		if (settings.requests[sig] != REQUEST_NONE && sigismember(set, sig) == 1)
			atomic_fetch_or(&dispositions.awaited, SIGNAL_BIT(sig));
	}
}

int dispositions_signalfd(int fd, const sigset_t *mask, int flags)
{
	const int result = libc_calls.signalfd(fd, mask, flags);

	if (result >= 0 && (atomic_load(&generation.role) == ROLE_NONE || is_for_this_process()))
		signalfds_note(result, mask, dispositions_taken());
	return result;
}

uint64_t dispositions_prepare_exec(void)
{
	const uint64_t ours =
		atomic_load(&dispositions.taken) | atomic_load(&dispositions.shielded);
	uint64_t changed = 0;

	FOR_EACH_SIGNAL(sig)
	{
		struct sigaction wish;

		if (!signal_set_has(ours, sig))
			continue;
		wish = wish_of(sig);
		if (wish.sa_handler != SIG_IGN)
			continue;
		libc_calls.sigaction(sig, &wish, NULL);
		changed |= SIGNAL_BIT(sig);
	}
	return changed;
}

void dispositions_undo_exec(uint64_t changed)
{
	FOR_EACH_SIGNAL(sig)
	{
		if (!signal_set_has(changed, sig))
			continue;
		if (signal_set_has(atomic_load(&dispositions.taken), sig))
			install(sig);
		else
			install_shield(sig);
	}
}
