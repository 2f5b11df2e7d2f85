/* SPDX-License-Identifier: MIT */
#include "signal/handlers.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/interpose.h"
#include "base/settings.h"
#include "base/signal_set.h"
#include "generation/generation.h"
#include "generation/news.h"
#include "kernel/interrupted_call.h"
#include "signal/hold_back.h"
#include "signal/origin.h"
#include "signal/own_dispositions.h"

/* The callers set sink before they install the first handler, and leave before they install
 * on_leave() or on_last_signal(). */
static struct {
	disposition_sink sink;
	void (*leave)(void);
	bool (*_Atomic hold)(int sig, siginfo_t *info);
	_Atomic uint64_t reached; /* came to a thread of the server's */
} handlers;

void handlers_use_sink(disposition_sink sink)
{
	handlers.sink = sink;
}

bool handlers_pass_to_sink(int sig, const siginfo_t *info)
{
	return handlers.sink(sig, info);
}

void handlers_hold_by(bool (*hold)(int sig, siginfo_t *info))
{
	atomic_store(&handlers.hold, hold);
}

void handlers_leave_by(void (*leave)(void))
{
	handlers.leave = leave;
}

bool handlers_reached_server(int sig)
{
	return signal_set_has(atomic_load(&handlers.reached), sig);
}

static void set_default(int sig)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	libc_calls.sigaction(sig, &action, NULL);
}

/* Does what the server's own disposition would have done. */
static void run_own(int sig, siginfo_t *info, void *context)
{
	const struct sigaction own = own_disposition_of(sig);

	if (own.sa_handler == SIG_IGN)
		return;
	if (own.sa_handler == SIG_DFL) {
		set_default(sig);
		(void)libc_calls.raise(sig);
		return;
	}
	if (own.sa_flags & SA_RESETHAND) {
		const struct sigaction none = {.sa_handler = SIG_DFL};

		own_disposition_remember(sig, &none);
	}
	if (own.sa_flags & SA_SIGINFO)
		own.sa_sigaction(sig, info, context);
	else
		own.sa_handler(sig);
}

/* As if the server's handler had been in force: the interrupted call fails where it would have. */
static void on_own_signal(int sig, siginfo_t *info, void *context)
{
	const struct sigaction own = own_disposition_of(sig);

	if (hold_back(sig, info, context))
		return;
	if (own_disposition_is_handler(&own) &&
	    interrupted_call_fails(context, own.sa_flags & SA_RESTART))
		own_disposition_note_interrupt();
	run_own(sig, info, context);
}

/* This runs in a successor that does not listen yet. A stop signal is meant for this process alone,
 * and takes effect in the server's own way; a request to upgrade must not kill the candidate. */
static void on_early_signal(int sig, siginfo_t *info, void *context)
{
	const enum request request = settings.requests[sig];

	if (request != REQUEST_STOP && own_disposition_of(sig).sa_handler == SIG_DFL)
		return;
	run_own(sig, info, context);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	const bool is_leader = atomic_load(&generation.role) == ROLE_LEADER;
	const int saved = errno;

	if (!hold_back_is_this_thread())
		atomic_fetch_or(&handlers.reached, SIGNAL_BIT(sig));
	if (!generation_is_of_this_process())
		run_own(sig, info, context); /* a child of a raw clone(2), before its exec */
	else if (origin_is_own(info) || (is_leader && !handlers.sink(sig, info)))
		on_own_signal(sig, info, context);
	else if (!is_leader)
		on_early_signal(sig, info, context);
	errno = saved;
}

/* The kernel sends a Ctrl-C (SI_KERNEL, sigaction(2)) to the whole foreground group, and the leader
 * acts on it. */
static bool is_for_leader(const siginfo_t *info)
{
	const pid_t leader = atomic_load(&news()->leader);

	return info->si_code == SI_KERNEL && leader != 0 && libc_calls.kill(leader, 0) == 0;
}

static void on_shielded_signal(int sig, siginfo_t *info, void *context)
{
	bool (*const hold)(int, siginfo_t *) = atomic_load(&handlers.hold);
	const int saved = errno;

	if (!is_for_leader(info) && !(hold && hold(sig, info)))
		run_own(sig, info, context);
	errno = saved;
}

/* The server's handler may run in ours, so it finds its own mask and stack. */
void handlers_install(int sig)
{
	const struct sigaction own = own_disposition_of(sig);
	struct sigaction ours = {.sa_sigaction = on_signal,
	                         .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

	if (own_disposition_is_handler(&own)) {
		ours.sa_mask = own.sa_mask;
		ours.sa_flags =
			(int)(own.sa_flags & (SA_ONSTACK | SA_NODEFER)) | SA_SIGINFO | SA_RESTART;
	}
	libc_calls.sigaction(sig, &ours, NULL);
}

/* The shield has the flags of the server's handler. So it interrupts the calls that the server
 * wants interrupted. */
void handlers_install_shield(int sig)
{
	const struct sigaction own = own_disposition_of(sig);
	struct sigaction shield = own;

	if (own.sa_handler == SIG_IGN) {
		libc_calls.sigaction(sig, &own, NULL);
		return;
	}
	shield.sa_sigaction = on_shielded_signal;
	shield.sa_flags = (own.sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
	if (own.sa_handler == SIG_DFL)
		shield.sa_flags |= SA_RESTART;
	libc_calls.sigaction(sig, &shield, NULL);
}

static void on_leave(int sig)
{
	(void)sig;
	handlers.leave();
}

void handlers_install_leave(int sig)
{
	struct sigaction action = {.sa_handler = on_leave, .sa_flags = SA_ONSTACK};

	libc_calls.sigaction(sig, &action, NULL);
}

/* Runs before a handler with SA_RESETHAND. Where the kernel would reset the disposition to SIG_DFL,
 * we install on_leave(). */
static void on_last_signal(int sig, siginfo_t *info, void *context)
{
	handlers_install_leave(sig);
	run_own(sig, info, context);
}

void handlers_install_last(int sig)
{
	const struct sigaction own = own_disposition_of(sig);
	struct sigaction action = own;

	if (own.sa_handler == SIG_DFL) {
		handlers_install_leave(sig);
		return;
	}
	if (own_disposition_is_handler(&own) && own.sa_flags & SA_RESETHAND) {
		action.sa_sigaction = on_last_signal;
		action.sa_flags = (own.sa_flags & ~(int)SA_RESETHAND) | SA_SIGINFO;
	}
	libc_calls.sigaction(sig, &action, NULL);
}
