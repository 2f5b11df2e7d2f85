/* SPDX-License-Identifier: MIT */
#include "drain/quiet_accept.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "drain/quiet_listener.h"
#include "drain/stop_accepting.h"
#include "signal/restart.h"

/* Where threads poll, the controller makes the quiet listeners block when it has waited for the calls
 * under way. */
#define BLOCKING_MS 2500
#define MOMENT_NS 200000

static bool waits(int index, const struct quiet_accept *call)
{
	return quiet_listener_was_blocking(index) &&
	       (call->may_wait || quiet_listener_thread_wants_to_wait(quiet_listener_fds()[index]));
}

static int poll_now(int fd, int timeout_ms)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};

	return libc_calls.poll(&request, 1, timeout_ms);
}

bool quiet_accept_begin(int fd, struct quiet_accept *call)
{
	const int index = quiet_listener_find(fd);

	call->may_time_out = false;
	if (index < 0 || !quiet_listener_was_blocking(index) || !quiet_listener_is_quiet(index))
		return true;
	if (quiet_listener_has_limit(index))
		call->may_time_out = !(fcntl(fd, F_GETFL) & O_NONBLOCK);
	if (waits(index, call) || poll_now(fd, 0) != 0)
		return true;
	errno = EAGAIN;
	return false;
}

enum blocking { BLOCKS, BLOCKS_NEVER, INTERRUPTED };

/* BLOCKS_NEVER: FD shares its quiet listener with others. INTERRUPTED: by a handler of the server's,
 * with errno. */
static enum blocking await_blocking(int fd)
{
	const int64_t end = clock_now_ms() + BLOCKING_MS;

	while (fcntl(fd, F_GETFL) & O_NONBLOCK) {
		if (clock_now_ms() >= end)
			return BLOCKS_NEVER;
		if (clock_sleep(MOMENT_NS) != 0 && !restart_is_due())
			return INTERRUPTED;
	}
	return BLOCKS;
}

/* Without a quiet listener of its own, or without the descriptor that accept() takes before it looks
 * for a connection, the thread sleeps in another call. */
static bool sleep_elsewhere(int fd, struct quiet_accept *call)
{
	const int error = errno;
	int result;

	if (call->has_failed)
		return false;
	do
		result = poll_now(fd, -1);
	while (result < 0 && restart_is_due());
	if (result < 0)
		return false;
	call->has_failed = error != EAGAIN;
	return true;
}

static bool sleep_in_pause(void)
{
	do
		(void)libc_calls.pause();
	while (restart_is_due());
	return false;
}

/* EINVAL: the drain shut the listener down under a thread that it could not wake. The second one is
 * the quiet listener's own: the server has shut it down. */
static bool is_shut_by_drain(int index, struct quiet_accept *call)
{
	const bool is_first = !call->has_failed;

	call->has_failed = true;
	return is_first && quiet_listener_is_quiet(index);
}

static bool has_no_descriptor(int error)
{
	return error == EMFILE || error == ENFILE;
}

bool quiet_accept_goes_on(int fd, struct quiet_accept *call)
{
	const int index = quiet_listener_find(fd);
	const int error = errno;
	enum blocking blocking;

	if (index < 0)
		return false;
	stop_accepting_await(BLOCKING_MS);
	errno = error;
	if (error == EINVAL && !stop_accepting_refuses(fd))
		return is_shut_by_drain(index, call);
	if ((error != EAGAIN && error != EINVAL && !has_no_descriptor(error)) ||
	    !waits(index, call))
		return false;
	if (stop_accepting_refuses(fd))
		return sleep_in_pause();
	if (!quiet_listener_is_quiet(index) || (error == EAGAIN && call->may_time_out))
		return (errno = error), false;
	blocking = error == EAGAIN ? await_blocking(fd) : BLOCKS_NEVER;
	if (blocking != BLOCKS_NEVER)
		return blocking == BLOCKS;
	errno = error;
	return sleep_elsewhere(fd, call);
}

void quiet_accept_error(int fd, const struct quiet_accept *call)
{
	const int index = quiet_listener_find(fd);
	const int error = errno;

	if (index < 0 || (!quiet_listener_is_quiet(index) && !stop_accepting_refuses(fd)))
		return (void)(errno = error);
	errno = error;
	if (error == EINVAL && stop_accepting_refuses(fd))
		errno = EAGAIN;
	if (has_no_descriptor(error) && poll_now(fd, 0) == 0)
		errno = EAGAIN;
	if (errno != EAGAIN || !quiet_listener_was_blocking(index) || waits(index, call))
		return;
	quiet_listener_note_too_late(fd);
	errno = ECONNABORTED;
}
