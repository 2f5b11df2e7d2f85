/* SPDX-License-Identifier: MIT */
#include "control/waiting.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/test_step.h"
#include "control/controller.h"
#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "http/traffic.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"

/* A helper that never waits on a listener (a cache manager, a child that serves one connection) is
 * looked at closely for its first waits, and then now and then. */
#define CLOSE_LOOKS 64
#define LATER_LOOK_EVERY 64

/* A worker that was forked into a drain must not accept before its new controller has replaced the listeners:
 * nobody would wait for what it got. */
#define SILENCE_WAIT_MS 1000

_Atomic uint32_t waiting_for;

static _Atomic uint32_t looks;

void waiting_forked(void)
{
	atomic_store(&looks, 0);
}

static bool is_worth_a_look(void)
{
	const uint32_t so_far = atomic_fetch_add(&looks, 1);

	return so_far < CLOSE_LOOKS || so_far % LATER_LOOK_EVERY == 0;
}

static void attach(void)
{
	if (!(atomic_fetch_and(&waiting_for, ~WAITING_UNATTACHED) & WAITING_UNATTACHED))
		return;
	controller_attach();
	if (atomic_load(&generation.membership) &&
	    atomic_load(&generation.page->phase) >= PHASE_NOT_ACCEPTING)
		stop_accepting_await(SILENCE_WAIT_MS);
}

static void wait_has_begun(void)
{
	const int saved = errno;

	attach();
	if (atomic_fetch_and(&waiting_for, ~WAITING_GENERATION_UNSEEN) &
	    WAITING_GENERATION_UNSEEN) {
		(void)test_step("waiting");
		atomic_store(&generation.page->is_waiting, 1);
		bell_ring(&generation.page->bell);
	}
	errno = saved;
}

void waiting_on_fd(int fd)
{
	if (listeners_is_listening(fd))
		wait_has_begun();
}

void waiting_on_connection(int fd)
{
	const struct traffic_entry *entry = traffic_of(fd);
	const int saved = errno;

	if (entry && atomic_load(&entry->is_accepted) && traffic_last_move(entry) == MOVE_SENT)
		attach();
	errno = saved;
}

struct look {
	int depth;
	bool found;
};

static bool look_at_entry(const struct epoll_entry *entry, void *context)
{
	struct look *look = context;

	if (listeners_is_listening(entry->fd)) {
		look->found = true;
	} else if (look->depth == 0) {
		/* An epoll set within the set (epoll(7), "Q4"); anything else has no entries. */
		look->depth++;
		(void)procfs_each_epoll_entry(entry->fd, look_at_entry, look);
		look->depth--;
	}
	return !look->found;
}

void waiting_on_epoll(int epoll_fd)
{
	struct look look = {0, false};
	const int saved = errno;

	if (is_worth_a_look())
		(void)procfs_each_epoll_entry(epoll_fd, look_at_entry, &look);
	errno = saved;
	if (look.found)
		wait_has_begun();
	else
		waiting_idly();
}

void waiting_on_poll(const struct pollfd *fds, nfds_t count)
{
	if (is_worth_a_look()) {
		for (nfds_t i = 0; i < count; i++) {
			if (fds[i].fd >= 0 && fds[i].events & POLLIN &&
			    listeners_is_listening(fds[i].fd)) {
				wait_has_begun();
				return;
			}
		}
	}
	waiting_idly();
}

void waiting_on_select(int count, const fd_set *in)
{
	if (in && is_worth_a_look()) {
		for (int fd = 0; fd < count && fd < FD_SETSIZE; fd++) {
			if (FD_ISSET(fd, in) && listeners_is_listening(fd)) {
				wait_has_begun();
				return;
			}
		}
	}
	waiting_idly();
}

void waiting_idly(void)
{
	if (generation.is_daemonizing && atomic_load(&generation.role) == ROLE_WORKER)
		attach();
}
