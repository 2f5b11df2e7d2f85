/* SPDX-License-Identifier: MIT */
/* Wraps close and its kin, dup2 and dup3. The server must not close an inherited descriptor that it
 * has not claimed yet, and the drain must learn that a watched connection is closed. */
#include "base/interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>

#include "base/clock.h"
#include "base/undisturbed.h"
#include "control/controller.h"
#include "control/kept.h"
#include "drain/connections.h"
#include "generation/generation.h"
#include "http/exchange.h"
#include "kernel/peek.h"
#include "kernel/sandbox.h"
#include "kernel/vfork_child.h"
#include "upgrade/spared_fds.h"

#define BUSY_LOOKS 100
#define BUSY_NS 100000

/* A vfork child runs in our memory, but the numbers that it closes are its own. */
static bool is_of_this_process(void)
{
	return VFORK_IS_SEEN ? !vfork_child_is() : generation_is_of_this_process();
}

/* Before the close: afterwards another thread may get the number. */
static void number_is_given_up(int fd)
{
	if (exchange_is_socket(fd) && is_of_this_process())
		exchange_forget(fd);
}

static void numbers_are_given_up(unsigned first, unsigned last)
{
	const unsigned end = (unsigned)exchange_end();

	for (unsigned fd = first; fd <= last && fd < end; fd++)
		number_is_given_up((int)fd);
}

/* Where the server closes a listener, what is kept of it has an end. */
static bool is_kept(int fd)
{
	if (!is_of_this_process() || kept_owns(fd))
		return is_of_this_process();
	kept_end_of(fd);
	return false;
}

EXPORT int close(int fd)
{
	int result;

	if ((spared_fds_exist() && spared_fds_have(fd)) || (kept_any() && is_kept(fd))) {
		errno = EBADF;
		return -1;
	}
	number_is_given_up(fd);
	result = libc_calls.close(fd);
	peek_closed();
	if (UNLIKELY(fd >= 0 && fd == connections_watched_fd))
		controller_wake();
	return result;
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	int own, result = 0;

	if (!(flags & CLOSE_RANGE_CLOEXEC))
		numbers_are_given_up(first, last);
	/* Closes the stretches between Octopus's descriptors. close_range(2) takes unsigned numbers
	 * up to UINT_MAX. */
	while (spared_fds_exist() && first <= last && first <= INT_MAX &&
	       (own = spared_fds_next((int)first)) >= 0 && (unsigned)own <= last) {
		if ((unsigned)own > first)
			result = libc_calls.close_range(first, (unsigned)own - 1, flags);
		if (result != 0)
			return result;
		first = (unsigned)own + 1;
		if (first > last)
			return 0;
	}
	result = libc_calls.close_range(first, last, flags);
	peek_closed();
	if (UNLIKELY(connections_watched_fd >= 0))
		controller_wake();
	return result;
}

#ifdef __GLIBC__
EXPORT void closefrom(int first)
{
	if (!spared_fds_exist() || close_range((unsigned)(first < 0 ? 0 : first), ~0U, 0) != 0) {
		numbers_are_given_up(first < 0 ? 0 : (unsigned)first, ~0U);
		libc_calls_ensure();
		if (libc_calls.closefrom)
			libc_calls.closefrom(first);
	}
}
#endif

static void make_room(int from, int to)
{
	struct undisturbed before;

	if (!spared_fds_exist() || from == to)
		return;
	undisturbed_begin(&before);
	waiting_move_away(to);
	/* They outlive the start, in which no server spawns much: a vfork child has its own. */
	if (kept_fd_owns(to) && is_of_this_process())
		kept_fd_move_away(to);
	undisturbed_end(&before);
}

static void note_duplicate(int from, int to)
{
	if (from != to && is_of_this_process())
		exchange_replaced(to, from);
}

/* Another thread is just opening the number (dup(2), EBUSY). If that is the library's, the server would not have
 * met it. Returns true if the call is to be made again. */
static bool is_busy(int result, int *looks)
{
	if (!UNLIKELY(result < 0) || errno != EBUSY || !generation_is_known() ||
	    sandbox_is_tight() || ++*looks > BUSY_LOOKS)
		return false;
	(void)clock_sleep(BUSY_NS);
	return true;
}

EXPORT int dup2(int from, int to)
{
	int result, looks = 0;

	make_room(from, to);
	note_duplicate(from, to);
	do
		result = libc_calls.dup2(from, to);
	while (is_busy(result, &looks));
	peek_closed();
	return result;
}

EXPORT int dup3(int from, int to, int flags)
{
	int result, looks = 0;

	make_room(from, to);
	note_duplicate(from, to);
	do
		result = libc_calls.dup3(from, to, flags);
	while (is_busy(result, &looks));
	peek_closed();
	return result;
}
