/* SPDX-License-Identifier: MIT */
#include "drain/stop_accepting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/errno_names.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/own_fd.h"
#include "drain/accept_calls.h"
#include "drain/quiet_listener.h"
#include "drain/wake_threads.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "kernel/epoll_sets.h"
#include "kernel/fd_limit.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"

/* A thread leaves accept() soon, but on a busy machine it may be preempted inside. */
#define BARRIER_MS 2000

/* How long it is worth trying to get a descriptor for the quiet listener. */
#define TRY_MS 250

#define PAUSE_NS 200000

_Atomic bool stop_accepting_is_on;

/* The controller writes it. A fork's child inherits it. */
static struct {
	_Atomic bool is_complete; /* every listener is replaced, or refused */
	_Atomic bool refuses;     /* there is no quiet listener: each accept() is refused */
	int64_t tried_since;
} stop_accepting;

bool stop_accepting_refuses(int fd)
{
	return atomic_load_explicit(&stop_accepting.refuses, memory_order_seq_cst) &&
	       quiet_listener_has(fd);
}

struct keeping {
	const int *fds;
	int count;
};

static bool is_kept(const struct keeping *kept, int fd)
{
	for (int i = 0; i < kept->count; i++) {
		if (kept->fds[i] == fd)
			return true;
	}
	return false;
}

static bool remember_if_listening(int fd, void *context)
{
	return !listeners_is_listening(fd) || is_kept(context, fd) || quiet_listener_remember(fd);
}

static void pause_briefly(void)
{
	(void)clock_sleep(PAUSE_NS);
}

void stop_accepting_await(int64_t limit_ms)
{
	const int64_t end = clock_now_ms() + limit_ms;

	while (!atomic_load(&stop_accepting.is_complete) && clock_now_ms() < end)
		pause_briefly();
}

/* Each accept() that was under way when the listeners were replaced has returned or is being woken.
 * If it got a connection, that has its descriptor when the call ends. */
static void wait_for_accepts(void)
{
	if (!accept_calls_await(BARRIER_MS))
		(void)failpoint("accepts_go_on");
}

/* A thread that has polled, and is about to accept, must not sleep. Once accepting has begun to stop,
 * quiet_accept_begin() sees to that. */
static bool some_thread_polls(void)
{
	return membership_said(HINT_POLLS);
}

static int replace_all(struct keeping *kept)
{
	/* Static, because the controller's stack is small, and there is one controller. */
	static struct epoll_sets sets;
	const int *fds = quiet_listener_fds();
	int spare_fd;
	bool blocks;

	epoll_sets_find(&sets);
	if (!quiet_listener_table_is_complete())
		procfs_each_fd(0, remember_if_listening, kept);
	quiet_listener_complete_table();
	/* Only after the table is complete, because a quiet listener listens as well. */
	spare_fd = quiet_listener_make(SOCK_NONBLOCK);
	if (spare_fd < 0)
		return spare_fd;
	atomic_store(&stop_accepting_is_on, true);
	blocks = !some_thread_polls();
	for (int i = 0; i < quiet_listener_count(); i++)
		quiet_listener_put(i, blocks, spare_fd, &sets);
	atomic_store(&stop_accepting.is_complete, true);
	(void)failpoint("replaced");
	wake_threads(fds, quiet_listener_count());
	wait_for_accepts();
	quiet_listener_block(spare_fd);
	libc_calls.close(spare_fd);
	return 0;
}

static bool was_tried_enough(void)
{
	const int64_t now = clock_now_ms();

	if (!stop_accepting.tried_since)
		stop_accepting.tried_since = now;
	return now - stop_accepting.tried_since >= TRY_MS;
}

/* A thread that sleeps in the kernel's accept() takes one connection more, and serves it. */
static void refuse_all(int error)
{
	log_error(
		"Unable to stop accepting at once: no descriptor for a quiet listener (%s). Refusing each accept() instead.",
		errno_name(-error));
	atomic_store(&stop_accepting.refuses, true);
	atomic_store(&stop_accepting_is_on, true);
	atomic_store(&stop_accepting.is_complete, true);
	wait_for_accepts();
}

int stop_accepting_begin(const int *kept, int count)
{
	struct keeping keeping = {kept, count};
	struct fd_limit before;
	int result;

	if (stop_accepting_has_begun())
		return 0;
	fd_limit_raise(&before);
	own_fd_begin();
	result = replace_all(&keeping);
	own_fd_end();
	fd_limit_restore(&before);
	if (result == 0 || !was_tried_enough())
		return result;
	refuse_all(result);
	return 0;
}
