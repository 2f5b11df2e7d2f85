/* SPDX-License-Identifier: MIT */
#include "control/first_wait.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/failpoint.h"
#include "base/secure_mode.h"
#include "base/undisturbed.h"
#include "control/controller.h"
#include "control/unseen.h"
#include "drain/stop_accepting.h"
#include "generation/doorbell.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "generation/start_listeners.h"
#include "http/exchange.h"
#include "kernel/caller_memory.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"

/* Probes the first waits of a helper that never waits on a listener (a cache manager, a child that
 * serves one connection), and later only some. */
#define CLOSE_PROBES 64
#define LATER_PROBE_EVERY 64

/* The kernel refuses more than there may be descriptors, whatever memory they are said to lie in. */
#define MOST_POLLED (1u << 20)

/* A worker that was forked during a drain must not accept before its new controller has replaced
 * the listeners: the drain would not wait for that connection. */
#define STOP_ACCEPTING_WAIT_MS 1000

_Atomic uint32_t first_wait_missing;

static _Atomic uint32_t probes;

/* Set by the first accept() of a process that has not listened. */
static _Atomic bool is_strange_known;

void first_wait_expect_unseen(void)
{
	atomic_fetch_or(&first_wait_missing, MISSING_LISTEN);
}

void first_wait_forked(void)
{
	atomic_store(&probes, 0);
}

static bool is_worth_a_probe(void)
{
	const uint32_t so_far = atomic_fetch_add(&probes, 1);

	if (so_far >= CLOSE_PROBES)
		atomic_fetch_and(&first_wait_missing, ~MISSING_LISTEN);

	return so_far < CLOSE_PROBES || so_far % LATER_PROBE_EVERY == 0;
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

static void wait_has_begun(int fd)
{
	const int saved = errno;

	if (atomic_fetch_and(&first_wait_missing, ~MISSING_LISTEN) & MISSING_LISTEN)
		unseen_found(fd);
	attach();
	if (atomic_fetch_and(&first_wait_missing, ~MISSING_FIRST_WAIT) & MISSING_FIRST_WAIT) {
		(void)failpoint("waiting");
		membership_note(HINT_WAITS);
		tell_leader();
	}
	errno = saved;
}

/* In a tight sandbox nobody may ask, and a server that waits there most likely serves. */
static bool is_listener(int fd)
{
	return sandbox_is_tight() || listeners_is_listening(fd);
}

/* Before the process has listened, only what it has bound is worth a system call. */
static bool shows_listener(int fd)
{
	if (atomic_load(&generation.role) == ROLE_NONE && !unseen_may_listen(fd) &&
	    !start_listeners_has(fd))
		return false;
	return is_listener(fd);
}

void first_wait_on_fd(int fd)
{
	if (is_listener(fd))
		wait_has_begun(fd);
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

struct probe {
	int depth;
	int found_fd; /* -1: none */
};

static bool probe_entry(const struct epoll_entry *entry, void *context)
{
	struct probe *probe = context;

	if (listeners_is_listening(entry->fd)) {
		probe->found_fd = entry->fd;
	} else if (probe->depth == 0) {
		/* An epoll set within the set (epoll(7), "Q4"); anything else has no entries. */
		probe->depth++;
		(void)procfs_each_epoll_entry(entry->fd, probe_entry, probe);
		probe->depth--;
	}
	return probe->found_fd < 0;
}

/* A process that has not listened has no predecessor either in most cases: then nothing tells
 * whether its wait is worth system calls, and accept() has to show it. */
static bool is_strange(void)
{
	return atomic_load(&generation.role) == ROLE_NONE && !generation_is_known() &&
	       !start_listeners_exist();
}

void first_wait_on_epoll(int epoll_fd)
{
	struct probe probe = {0, -1};
	const int saved = errno;
	struct undisturbed before;

	if (is_strange())
		return;
	if (sandbox_is_tight()) {
		probe.found_fd = epoll_fd;
	} else if (is_worth_a_probe()) {
		undisturbed_begin(&before);
		(void)procfs_each_epoll_entry(epoll_fd, probe_entry, &probe);
		undisturbed_end(&before);
	}
	errno = saved;
	if (probe.found_fd >= 0)
		wait_has_begun(probe.found_fd);
	else
		first_wait_idly();
}

void first_wait_on_poll(const struct pollfd *fds, nfds_t count)
{
	if (is_strange())
		return;
	if (count <= MOST_POLLED && is_worth_a_probe() &&
	    caller_memory_is_readable(fds, count * sizeof(*fds))) {
		for (nfds_t i = 0; i < count; i++) {
			if (fds[i].fd >= 0 && fds[i].events & POLLIN && shows_listener(fds[i].fd)) {
				wait_has_begun(fds[i].fd);
				return;
			}
		}
	}
	first_wait_idly();
}

/* As select(2) does it, in whole words. */
static size_t select_bytes(int count)
{
	return ((size_t)count + NFDBITS - 1) / NFDBITS * sizeof(fd_mask);
}

void first_wait_on_select(int count, const fd_set *in)
{
	const int end = count < FD_SETSIZE ? count : FD_SETSIZE;

	if (is_strange())
		return;
	if (in && end > 0 && is_worth_a_probe() &&
	    caller_memory_is_readable(in, select_bytes(end))) {
		for (int fd = 0; fd < end; fd++) {
			if (FD_ISSET(fd, in) && shows_listener(fd)) {
				wait_has_begun(fd);
				return;
			}
		}
	}
	first_wait_idly();
}

void first_wait_idly(void)
{
	if (generation.is_daemonizing && atomic_load(&generation.role) == ROLE_WORKER)
		attach();
}
