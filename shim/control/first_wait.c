/* SPDX-License-Identifier: MIT */
#include "control/first_wait.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/failpoint.h"
#include "base/secure_mode.h"
#include "base/undisturbed.h"
#include "control/controller.h"
#include "control/coverage.h"
#include "control/unseen.h"
#include "drain/stop_accepting.h"
#include "generation/doorbell.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "generation/start_listeners.h"
#include "http/exchange.h"
#include "kernel/listeners.h"
#include "kernel/sandbox.h"

/* A worker that was forked during a drain must not accept before its new controller has replaced
 * the listeners: the drain would not wait for that connection. */
#define STOP_ACCEPTING_WAIT_MS 1000

_Atomic uint32_t first_wait_missing;

/* Set by the first accept() of a process that has not listened. */
static _Atomic bool is_strange_known;

void first_wait_expect_unseen(void)
{
	atomic_fetch_or(&first_wait_missing, MISSING_LISTEN);
}

void first_wait_forked(void)
{
	coverage_forked();
}

static void attach(void)
{
	struct undisturbed before;

	if (!(atomic_load(&first_wait_missing) & MISSING_CONTROLLER))
		return;
	/* In some sandboxes a worker must do without: its controller would be killed. */
	if (atomic_load(&sandbox_deadly) & (SANDBOX_WRAPPERS | SANDBOX_CONTROLLER)) {
		atomic_fetch_and(&first_wait_missing, ~MISSING_CONTROLLER);
		return;
	}
	undisturbed_begin(&before);
	if (atomic_fetch_and(&first_wait_missing, ~MISSING_CONTROLLER) & MISSING_CONTROLLER)
		controller_attach();
	undisturbed_end(&before);
	if (membership_is_joined() && atomic_load(&news()->phase) >= PHASE_NOT_ACCEPTING)
		stop_accepting_await(STOP_ACCEPTING_WAIT_MS);
}

static void tell_leader(void)
{
	if (sandbox_is_tight())
		return;
	if (atomic_load(&generation.role) == ROLE_LEADER && generation_is_of_this_process())
		controller_wake();
	else
		doorbell_ring();
}

/* A leader that has inherited listeners is ready when it waits on all of them, and so is a child that
 * will lead. Of another process the first wait says enough, and nothing does any more when the
 * generation is ready. */
static bool looks_on(void)
{
	return coverage_is_awaited() &&
	       (atomic_load(&generation.role) == ROLE_LEADER || generation.is_daemonizing);
}

void first_wait_has_begun(int fd, bool is_news)
{
	const int saved = errno;

	if (atomic_fetch_and(&first_wait_missing, ~MISSING_LISTEN) & MISSING_LISTEN)
		unseen_found(fd);
	attach();
	if (atomic_load(&first_wait_missing) & MISSING_FIRST_WAIT &&
	    (is_news || !membership_said(HINT_WAITS))) {
		(void)failpoint("waiting");
		membership_note(HINT_WAITS);
		tell_leader();
	}
	if (!looks_on())
		atomic_fetch_and(&first_wait_missing, ~MISSING_FIRST_WAIT);
	errno = saved;
}

/* In a tight sandbox nobody may ask, and a server that waits there most likely serves. */
static bool is_listener(int fd)
{
	return sandbox_is_tight() || listeners_is_listening(fd);
}

/* Before the process has listened, only what it has bound is worth a system call. */
bool first_wait_may_be_on(int fd)
{
	if (atomic_load(&generation.role) == ROLE_NONE && !unseen_may_listen(fd) &&
	    !start_listeners_has(fd))
		return false;
	return is_listener(fd);
}

void first_wait_on_fd(int fd)
{
	if (is_listener(fd))
		first_wait_has_begun(fd, coverage_note(fd));
}

void first_wait_unlistened(int fd)
{
	if (!atomic_exchange(&is_strange_known, true) && !secure_mode_is_on() &&
	    !sandbox_is_tight() && listeners_is_listening(fd))
		unseen_found(fd);
}

void first_wait_on_connection(int fd)
{
	const struct exchange *entry = exchange_of(fd);
	const int saved = errno;

	if (exchange_is_accepted(fd) && exchange_last_io(entry) == IO_SENT)
		attach();
	errno = saved;
}

void first_wait_idly(void)
{
	if (generation.is_daemonizing && atomic_load(&generation.role) == ROLE_WORKER)
		attach();
}
