/* SPDX-License-Identifier: MIT */
#include "control/accepting.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "drain/accept_calls.h"
#include "drain/own_connection.h"
#include "drain/quiet_accept.h"
#include "drain/quiet_listener.h"
#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "kernel/listeners.h"
#include "kernel/sandbox.h"
#include "signal/restart.h"
#include "upgrade/adoption.h"

#define MIXED_WAIT_MS 100

/* While two generations share a blocking listener, one connection wakes the poll() of both. The one
 * that comes too late would sleep in accept() although it has connections to answer: its accept()
 * must not wait. A look beforehand does not help, because the other one may take the connection
 * after it. Only the open file can say so, once for all. */
static void about_to_accept(int fd)
{
	if (!generation_is_known() || sandbox_is_tight() || !quiet_listener_thread_polls())
		return;
	/* In this order: successor.c sets the one flag and then reads the other. */
	membership_note(HINT_POLLS);
	if (generation_may_share())
		(void)listeners_unblock(fd);
}

/* After an accept() that failed: true if FD blocks as far as the server knows, and its connection is
 * gone. */
static bool came_too_late(int fd)
{
	return errno == EAGAIN && generation_is_known() &&
	       (atomic_load(&news()->has_unblocked) || atomic_load(&adoption_has_unblocked) ||
	        generation_may_share()) &&
	       listeners_is_unblocked(fd);
}

/* For a thread that polls, ECONNABORTED comes closest to it (accept(2): like EAGAIN). */
static void accept_failed(int fd)
{
	const bool is_too_late = came_too_late(fd);

	if (stop_accepting_has_begun())
		quiet_accept_error(fd);
	if (is_too_late && errno == EAGAIN) {
		quiet_listener_note_too_late(fd);
		errno = ECONNABORTED;
	}
}

/* A blocking accept() reserves a descriptor for the next connection. It releases the descriptor
 * when a signal wakes it, and needs one again when it restarts. If all others are in use, an
 * upgrade or a drain may have taken the last one; then the call waits until that ends. In all other
 * cases EMFILE is the server's own error. */
static bool lost_its_descriptor(struct accepting *accepting)
{
	if (errno != EMFILE || !generation_is_known() || stop_accepting_has_begun() ||
	    !listeners_is_blocking(accepting->fd))
		return false;
	errno = EMFILE;
	/* Always try once more, because the descriptor may be free again by now. */
	if (!accepting->was_tried)
		return accepting->was_tried = true;
	if (!controller_is_at_work())
		return false;
	return clock_sleep(NS_PER_MS) == 0 || restart_is_due();
}

/* Not by poll(), which a preloaded library may stretch with the server's other times. */
static bool wait_for_input(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};
	struct timespec limit = clock_to_timespec(MIXED_WAIT_MS * NS_PER_MS);

	return raw_result(RAW5(SYS_ppoll, &request, 1, &limit, NULL, 0)) >= 0 || restart_is_due();
}

static bool expects_to_wait(int fd)
{
	if (!quiet_listener_thread_wants_to_wait(fd))
		return false;
	return came_too_late(fd) ||
	       (!quiet_listener_thread_polls() && adoption_blocks_for_server(fd) &&
	        fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* A thread that has not polled for a connection expects accept() to wait. The wait ends every
 * MIXED_WAIT_MS, because nothing else wakes the thread when the process stops accepting. */
static bool waited_for_it(int fd)
{
	if (errno != EAGAIN || stop_accepting_has_begun() || !expects_to_wait(fd))
		return false;
	if (!generation_may_share() && listeners_is_unblocked(fd)) {
		listeners_block_again(fd);
		return true;
	}
	return wait_for_input(fd);
}

void accepting_describe(struct accepting *ret_accepting, int fd, struct sockaddr *address,
                        socklen_t *length, int flags)
{
	*ret_accepting =
		(struct accepting){.fd = fd, .address = address, .length = length, .flags = flags};
}

void accepting_begin(struct accepting *ret_accepting, int fd, struct sockaddr *address,
                     socklen_t *length, int flags)
{
	accepting_describe(ret_accepting, fd, address, length, flags);
	if (first_wait_is_watched())
		first_wait_on_fd(fd);
	if (UNLIKELY(atomic_load_explicit(&generation.role, memory_order_relaxed) == ROLE_NONE))
		first_wait_unlistened(fd);
	about_to_accept(fd);
	(void)failpoint("accepting");
	accept_calls_enter();
}

bool accepting_may_ask(struct accepting *accepting)
{
	if (!UNLIKELY(stop_accepting_has_begun()))
		return true;
	if (!stop_accepting_refuses(accepting->fd))
		return quiet_accept_begin(accepting->fd, &accepting->quiet);
	errno = EAGAIN;
	return false;
}

int accepting_result(struct accepting *accepting, int result)
{
	if (result < 0 || !UNLIKELY(stop_accepting_has_begun()))
		return result;
	result = own_connection_take(accepting->fd, result, accepting->flags, accepting->address,
	                             accepting->length);
	accepting->has_vanished = result < 0;
	return result;
}

/* The controller need not wait for a call that has no connection. */
static bool quiet_call_goes_on(struct accepting *accepting)
{
	bool goes_on;

	accept_calls_leave();
	goes_on = quiet_accept_goes_on(accepting->fd, &accepting->quiet);
	accept_calls_enter();
	return goes_on;
}

/* The kernel never restarts accept() on a listener with a time limit (SO_RCVTIMEO, signal(7)). */
bool accepting_goes_on(struct accepting *accepting)
{
	if (UNLIKELY(accepting->has_vanished)) {
		accepting->has_vanished = false;
		return true;
	}
	if (restart_is_due())
		return true;
	if (sandbox_is_tight())
		return false;
	if (stop_accepting_has_begun())
		return quiet_call_goes_on(accepting);
	return lost_its_descriptor(accepting) || waited_for_it(accepting->fd);
}

int accepting_end(const struct accepting *accepting, int result)
{
	if (result >= 0) {
		accepting_take(result);
		return result;
	}
	accept_calls_leave();
	if (!sandbox_is_tight())
		accept_failed(accepting->fd);
	return result;
}
