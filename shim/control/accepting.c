/* SPDX-License-Identifier: MIT */
#include "control/accepting.h"

#include <errno.h>
#include <fcntl.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "control/fork.h"
#include "drain/quiet_listener.h"
#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "http/exchange.h"
#include "signal/restart.h"
#include "upgrade/adoption.h"

#define MIXED_WAIT_MS 100

/* While two generations share a blocking listener, one connection wakes the poll() of both. The one
 * that comes too late would sleep in accept() although it has connections to answer. Returns true
 * if there is no connection, with the errno for a thread that polls (accept(2): like EAGAIN). */
static bool is_too_late(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};

	if (!quiet_listener_thread_polls() || !generation_may_share() ||
	    fcntl(fd, F_GETFL) & O_NONBLOCK || libc_calls.poll(&request, 1, 0) != 0)
		return false;
	errno = ECONNABORTED;
	return true;
}

/* A blocking accept() reserves a descriptor for the next connection. It releases the descriptor
 * when a signal wakes it, and needs one again when it restarts. If all others are in use, an
 * upgrade or a drain may have taken the last one; then the call waits until that ends. In all other
 * cases EMFILE is the server's own error. */
static bool lost_its_descriptor(struct accepting *accepting)
{
	const struct timespec moment = {0, 1000000};

	if (errno != EMFILE || !generation.page || stop_accepting_has_begun() ||
	    fcntl(accepting->fd, F_GETFL) & O_NONBLOCK)
		return false;
	errno = EMFILE;
	/* Always try once more, because the descriptor may be free again by now. */
	if (!accepting->was_tried)
		return accepting->was_tried = true;
	if (!controller_is_at_work())
		return false;
	return libc_calls.nanosleep(&moment, NULL) == 0 || restart_is_due();
}

/* A thread that never polled expects accept() to wait. The wait ends every MIXED_WAIT_MS, because
 * nothing else wakes the thread when the process stops accepting. */
static bool waited_for_it(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};

	if (errno != EAGAIN || stop_accepting_has_begun() || quiet_listener_thread_polls() ||
	    !adoption_blocks_for_server(fd) || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return false;
	return libc_calls.poll(&request, 1, MIXED_WAIT_MS) >= 0 || restart_is_due();
}

bool accepting_begin(struct accepting *ret_accepting, int fd)
{
	*ret_accepting = (struct accepting){.fd = fd};
	if (first_wait_is_watched())
		first_wait_on_fd(fd);
	if (is_too_late(fd))
		return false;
	(void)failpoint("accepting");
	stop_accepting_enter_accept();
	return true;
}

/* The kernel never restarts accept() on a listener with a time limit (SO_RCVTIMEO, signal(7)). */
bool accepting_goes_on(struct accepting *accepting)
{
	return restart_is_due() || lost_its_descriptor(accepting) || waited_for_it(accepting->fd);
}

int accepting_end(const struct accepting *accepting, int result)
{
	stop_accepting_leave_accept();
	if (result >= 0) {
		exchange_begin_anew(result, true);
		fork_note_accept();
	} else {
		quiet_listener_accept_failed(accepting->fd);
	}
	return result;
}
