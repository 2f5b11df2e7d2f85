/* SPDX-License-Identifier: MIT */
#include "signal/handlers.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/settings.h"
#include "generation/generation.h"
#include "signal/own_dispositions.h"

/* Written before the first handler is installed, and before the first of those that leave. */
static struct {
	disposition_sink sink;
	void (*leave)(void);
} handlers;

void handlers_use_sink(disposition_sink sink)
{
	handlers.sink = sink;
}

void handlers_pass_to_sink(int sig, const siginfo_t *info)
{
	handlers.sink(sig, info);
}

void handlers_leave_by(void (*leave)(void))
{
	handlers.leave = leave;
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
		(void)raise(sig);
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

/* A successor that does not listen yet: a stop is for it alone, in the server's way, but a request
 * to upgrade must not kill what is being born. */
static void on_early_signal(int sig, siginfo_t *info, void *context)
{
	const enum request request = settings.requests[sig];

	if (request != REQUEST_STOP && own_disposition_of(sig).sa_handler == SIG_DFL)
		return;
	run_own(sig, info, context);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	const int saved = errno;

	if (getpid() != generation.pid)
		run_own(sig, info, context); /* a child of a raw clone(2), before its exec */
	else if (atomic_load(&generation.role) == ROLE_LEADER)
		handlers.sink(sig, info);
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
		run_own(sig, info, context);
	errno = saved;
}

void handlers_install(int sig)
{
	struct sigaction ours = {.sa_sigaction = on_signal,
	                         .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

	libc_calls.sigaction(sig, &ours, NULL);
}

/* The shield has the flags of the handler behind it, so that a call that the server wants
 * interrupted is interrupted. */
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

/* Before a handler that is to run once (SA_RESETHAND): what the kernel would reset to SIG_DFL. */
static void on_last_signal(int sig, siginfo_t *info, void *context)
{
	handlers_install_leave(sig);
	run_own(sig, info, context);
}

void handlers_install_last(int sig)
{
	const struct sigaction own = own_disposition_of(sig);
	struct sigaction action = own;

	if (own_disposition_is_handler(&own) && own.sa_flags & SA_RESETHAND) {
		action.sa_sigaction = on_last_signal;
		action.sa_flags = (own.sa_flags & ~(int)SA_RESETHAND) | SA_SIGINFO;
	}
	libc_calls.sigaction(sig, &action, NULL);
}
