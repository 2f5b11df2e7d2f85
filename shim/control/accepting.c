/* SPDX-License-Identifier: MIT */
#include "control/accepting.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "control/kept.h"
#include "control/reports.h"
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
#include "signal/own_dispositions.h"
#include "signal/restart.h"
#include "upgrade/adoption.h"

#define MIXED_WAIT_MS 100
#define NO_END (-1)

/* In this order: stop_accepting.c reads it when it has replaced the listeners. */
static void about_to_accept(int fd)
{
	reports_note_accept(fd);
	if (generation_is_known() && !sandbox_is_tight() && quiet_listener_thread_was_told())
		membership_note(HINT_POLLS);
}

/* After an accept() that failed: true if FD blocks as far as the server knows, and does not. */
static bool found_nothing(int fd)
{
	if (errno != EAGAIN || !generation_is_known())
		return false;
	if ((atomic_load(&news()->has_unblocked) || atomic_load(&adoption_has_unblocked) ||
	     generation_may_share()) &&
	    listeners_is_unblocked(fd))
		return true;
	/* The server may have made it non-blocking itself since; then it most likely polls. */
	return !quiet_listener_thread_polls() && adoption_blocks_for_server(fd) &&
	       fcntl(fd, F_GETFL) & O_NONBLOCK;
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

/* SO_RCVTIMEO (socket(7)). It counts from the call's first sleep. */
static int64_t end_of(int fd)
{
	struct timeval limit = {0};
	socklen_t length = sizeof(limit);

	if (libc_calls.getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &length) != 0 ||
	    (limit.tv_sec == 0 && limit.tv_usec == 0))
		return NO_END;
	return clock_now_ms() + (int64_t)limit.tv_sec * 1000 + (limit.tv_usec + 999) / 1000;
}

/* After EINTR. A call with a time limit is never restarted by the kernel, but for ours (signal(7)). */
static bool may_go_on(const struct accepting *accepting, bool is_masked)
{
	if (accepting->end_ms != NO_END)
		return restart_is_due();
	return !own_disposition_has_interrupted() && !is_masked;
}

/* Not by poll(), which a preloaded library may stretch with the server's other times. */
static bool wait_for_input(const struct accepting *accepting, int64_t limit_ms)
{
	struct pollfd request = {.fd = accepting->fd, .events = POLLIN};
	struct timespec limit = clock_to_timespec(limit_ms * NS_PER_MS);
	uint64_t mask;
	const bool is_masked = accepting->end_ms == NO_END && restart_mask(&mask);

	return raw_result(RAW5(SYS_ppoll, &request, 1, &limit, is_masked ? &mask : NULL,
	                       sizeof(mask))) >= 0 ||
	       may_go_on(accepting, is_masked);
}

/* The wait ends every MIXED_WAIT_MS, because nothing else wakes the thread when the process stops
 * accepting, or another thread keeps a connection. */
static bool wait_a_while(struct accepting *accepting)
{
	int64_t rest;

	if (!accepting->end_ms)
		accepting->end_ms = end_of(accepting->fd);
	if (accepting->end_ms == NO_END)
		return wait_for_input(accepting, MIXED_WAIT_MS);
	rest = accepting->end_ms - clock_now_ms();
	errno = EAGAIN;
	return rest > 0 && wait_for_input(accepting, rest < MIXED_WAIT_MS ? rest : MIXED_WAIT_MS);
}

/* The kernel waits again when nobody shares FD any more, and has not for a while: another thread may
 * have been about to take a connection, and must not sleep. */
static bool may_sleep_in_kernel(struct accepting *accepting)
{
	if (generation_may_share() || accepting->end_ms > 0 ||
	    !listeners_is_unblocked(accepting->fd))
		return false;
	if (accepting->was_alone)
		return true;
	accepting->was_alone = true;
	return false;
}

/* No wait of this thread has told of a connection that is not kept for it. So the server expects
 * accept() to wait, and never to fail because the other generation was quicker. */
static bool waited_for_it(struct accepting *accepting)
{
	if (stop_accepting_has_begun() || !found_nothing(accepting->fd))
		return false;
	if (!accepting->end_ms && quiet_listener_thread_polls())
		reports_look_anew();
	if (!may_sleep_in_kernel(accepting))
		return wait_a_while(accepting);
	listeners_block_again(accepting->fd);
	return true;
}

void accepting_describe(struct accepting *ret_accepting, int fd, struct sockaddr *address,
                        socklen_t *length, int flags)
{
	*ret_accepting =
		(struct accepting){.fd = fd, .address = address, .length = length, .flags = flags};
	ret_accepting->quiet.may_wait = true;
}

void accepting_begin(struct accepting *ret_accepting, int fd, struct sockaddr *address,
                     socklen_t *length, int flags)
{
	accepting_describe(ret_accepting, fd, address, length, flags);
	ret_accepting->quiet.may_wait = false;
	if (first_wait_is_watched())
		first_wait_on_fd(fd);
	if (UNLIKELY(atomic_load_explicit(&generation.role, memory_order_relaxed) == ROLE_NONE))
		first_wait_unlistened(fd);
	about_to_accept(fd);
	(void)failpoint("accepting");
	accept_calls_enter();
}

bool accepting_may_ask(struct accepting *accepting, int *ret_result)
{
	*ret_result = -1;
	if (kept_accept(accepting->fd, accepting->address, accepting->length, accepting->flags,
	                ret_result))
		return false;
	if (!UNLIKELY(stop_accepting_has_begun()))
		return accepting->quiet.may_wait = true;
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
	return lost_its_descriptor(accepting) || waited_for_it(accepting);
}

int accepting_end(const struct accepting *accepting, int result)
{
	if (result >= 0) {
		accepting_take(result);
		return result;
	}
	accept_calls_leave();
	if (stop_accepting_has_begun() && !sandbox_is_tight())
		quiet_accept_error(accepting->fd, &accepting->quiet);
	return result;
}
