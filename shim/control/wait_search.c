/* SPDX-License-Identifier: MIT */
#include "control/wait_search.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/fd_bits.h"
#include "base/undisturbed.h"
#include "control/controller.h"
#include "control/coverage.h"
#include "control/first_wait.h"
#include "control/probes.h"
#include "control/unseen.h"
#include "generation/generation.h"
#include "generation/news.h"
#include "generation/start_listeners.h"
#include "kernel/caller_memory.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"

/* The kernel refuses more than there may be descriptors, whatever memory they are said to lie in. */
#define MOST_POLLED (1u << 20)

/* Hints, which the kernel has to confirm: a listener was seen under these numbers, or in these epoll
 * sets. */
static struct {
	struct fd_bits fds;
	_Atomic bool is_any;
	_Atomic uint32_t round; /* of probes.h */
} likely = {.round = 1};

static __thread struct probes probes;

static void note_likely(int fd)
{
	fd_bits_put(&likely.fds, fd, true);
	atomic_store(&likely.is_any, true);
	atomic_fetch_add(&likely.round, 1);
}

void wait_search_forked(void)
{
	atomic_fetch_add(&likely.round, 1);
}

static enum probe next_probe(void)
{
	const enum probe probe =
		probes_next(&probes, atomic_load(&likely.round), clock_coarse_now_ns());

	if (probe == PROBE_ALL || atomic_load(&likely.is_any))
		return probe;
	atomic_fetch_and(&first_wait_missing, ~MISSING_LISTEN);
	return PROBE_NOTHING;
}

/* FD is worth a system call. */
static bool is_worth_a_look(enum probe probe, int fd)
{
	return probe == PROBE_ALL || fd_bits_has(&likely.fds, fd);
}

struct search {
	int depth;
	int found_fd; /* -1: none */
	bool is_news;
};

static bool search_entry(const struct epoll_entry *entry, void *context)
{
	struct search *search = context;

	if (listeners_is_listening(entry->fd)) {
		search->found_fd = entry->fd;
		search->is_news |= coverage_note(entry->fd);
	} else if (search->depth == 0) {
		/* An epoll set within the set (epoll(7), "Q4"); anything else has no entries. */
		search->depth++;
		(void)procfs_each_epoll_entry(entry->fd, search_entry, search);
		search->depth--;
	}
	return search->found_fd < 0 || coverage_is_awaited();
}

static bool search_set(int epoll_fd)
{
	struct search search = {.found_fd = -1};
	struct undisturbed before;

	undisturbed_begin(&before);
	(void)procfs_each_epoll_entry(epoll_fd, search_entry, &search);
	undisturbed_end(&before);
	if (search.found_fd >= 0)
		first_wait_has_begun(search.found_fd, search.is_news);
	else /* another set under an old number */
		fd_bits_put(&likely.fds, epoll_fd, false);
	return search.found_fd >= 0;
}

/* A process that has not listened has no predecessor either in most cases: then nothing tells
 * whether its wait is worth system calls, and accept() has to show it. */
static bool is_strange(void)
{
	return atomic_load(&generation.role) == ROLE_NONE && !generation_is_known() &&
	       !start_listeners_exist();
}

/* The generation may have become ready by another process's waits, or by a look (coverage.h). */
static bool is_over(void)
{
	if (atomic_load(&first_wait_missing) & MISSING_FIRST_WAIT && atomic_load(&news()->is_ready))
		atomic_fetch_and(&first_wait_missing, ~MISSING_FIRST_WAIT);
	return !first_wait_is_watched() || is_strange();
}

void wait_search_epoll(int epoll_fd)
{
	const int saved = errno;

	if (is_over())
		return;
	if (sandbox_is_tight())
		first_wait_has_begun(epoll_fd, false);
	else if (!is_worth_a_look(next_probe(), epoll_fd) || !search_set(epoll_fd))
		first_wait_idly();
	errno = saved;
}

static bool search_fd(enum probe probe, int fd)
{
	if (!is_worth_a_look(probe, fd) || !first_wait_may_be_on(fd))
		return false;
	first_wait_has_begun(fd, coverage_note(fd));
	return true;
}

void wait_search_poll(const struct pollfd *fds, nfds_t count)
{
	enum probe probe;
	bool is_found = false;

	if (is_over())
		return;
	probe = count > 0 && count <= MOST_POLLED ? next_probe() : PROBE_NOTHING;
	if (probe != PROBE_NOTHING && caller_memory_is_readable(fds, count * sizeof(*fds))) {
		for (nfds_t i = 0; i < count && first_wait_is_watched(); i++) {
			if (fds[i].fd >= 0 && fds[i].events & POLLIN)
				is_found |= search_fd(probe, fds[i].fd);
		}
	}
	if (!is_found)
		first_wait_idly();
}

/* As select(2) does it, in whole words. */
static size_t select_bytes(int count)
{
	return ((size_t)count + NFDBITS - 1) / NFDBITS * sizeof(fd_mask);
}

void wait_search_select(int count, const fd_set *in)
{
	const int end = count < FD_SETSIZE ? count : FD_SETSIZE;
	enum probe probe;
	bool is_found = false;

	if (is_over())
		return;
	probe = in && end > 0 ? next_probe() : PROBE_NOTHING;
	if (probe != PROBE_NOTHING && caller_memory_is_readable(in, select_bytes(end))) {
		for (int fd = 0; fd < end && first_wait_is_watched(); fd++) {
			if (FD_ISSET(fd, in))
				is_found |= search_fd(probe, fd);
		}
	}
	if (!is_found)
		first_wait_idly();
}

void wait_search_note_listener(int fd)
{
	note_likely(fd);
	if (!first_wait_is_watched())
		return;
	/* It may have been in an epoll set before it listened. */
	coverage_hint();
	if (atomic_load(&generation.role) == ROLE_LEADER)
		controller_wake();
}

/* A thread may sleep in the set already, and no call of its own tells. In the leader the controller
 * looks, now and again a little later: the thread may just be on its way. A worker may have no
 * controller yet. */
static void look_at_sleepers(int fd)
{
	struct undisturbed before;
	bool is_found, is_news = false;

	if (atomic_load(&generation.role) == ROLE_LEADER) {
		coverage_hint();
		controller_wake();
		return;
	}
	undisturbed_begin(&before);
	is_found = coverage_look(1, &is_news);
	undisturbed_end(&before);
	if (is_found)
		first_wait_has_begun(fd, is_news);
}

void wait_search_registration(int epoll_fd, int fd)
{
	const int saved = errno;
	const bool is_likely = fd_bits_has(&likely.fds, fd);

	if (is_over() || sandbox_is_tight())
		return;
	if (!is_likely && next_probe() != PROBE_ALL)
		return;
	if (first_wait_may_be_on(fd)) {
		if (atomic_load(&generation.role) == ROLE_NONE)
			unseen_found(fd);
		look_at_sleepers(fd);
	} else if (!is_likely) {
		return; /* and no epoll set with a listener in it either */
	}
	note_likely(epoll_fd);
	errno = saved;
}
