/* SPDX-License-Identifier: MIT */
/* Wraps epoll, poll and select. There a server shows that it serves, and there it must not notice
 * the signals that Octopus handles. */
#include "base/interpose.h"

#include <stdint.h>

#include "control/first_wait.h"
#include "control/kept.h"
#include "control/reports.h"
#include "control/reports_epoll.h"
#include "control/reports_poll.h"
#include "control/reports_select.h"
#include "control/wait_search.h"
#include "drain/quiet_listener.h"
#include "drain/stop_accepting.h"
#include "signal/restart.h"

static int64_t by_timespec(const struct timespec *limit)
{
	return limit ? RESTART_BY_TIMESPEC : RESTART_FOREVER;
}

/* A wait has returned. Returns true if it is to be made again: only our signal has interrupted it, or all
 * that it has reported was taken by another generation. */
static inline bool goes_on_after(const struct restart *restart, const struct timespec *limit,
                                 int result, bool is_checked)
{
	if (UNLIKELY(result < 0))
		return restart_goes_on(restart);
	return result == 0 && is_checked && restart_has_time(restart, limit);
}

static inline bool epoll_goes_on(const struct restart *restart, const struct timespec *limit,
                                 int epoll_fd, struct epoll_event *events, int most, int *result)
{
	const bool is_checked = *result >= 0 && reports_are_checked();

	if (UNLIKELY(is_checked))
		reports_check_epoll(epoll_fd, events, most, result);
	quiet_listener_note_wait(*result > 0 && !is_checked && !stop_accepting_has_begun());
	return goes_on_after(restart, limit, *result, is_checked);
}

static inline bool poll_goes_on(const struct restart *restart, const struct timespec *limit,
                                struct pollfd *fds, nfds_t count, int *result)
{
	const bool is_checked = *result >= 0 && reports_are_checked();

	if (UNLIKELY(is_checked))
		reports_check_poll(fds, count, result);
	quiet_listener_note_wait(!is_checked && reports_poll_tells(fds, count, *result));
	return goes_on_after(restart, limit, *result, is_checked);
}

/* REST: what the kernel has left of a limit that it counts down. */
static inline bool select_goes_on(const struct restart *restart, const struct timespec *limit,
                                  const struct timeval *rest, const struct reports_sets *sets,
                                  int *result)
{
	const bool is_checked = *result >= 0 && reports_are_checked();

	if (UNLIKELY(is_checked))
		reports_check_select(sets, result);
	quiet_listener_note_wait(*result > 0 && !is_checked &&
	                         reports_select_tells(sets->count, sets->in));
	if (!goes_on_after(restart, limit, *result, is_checked))
		return false;
	if (*result < 0)
		return true;
	if (rest && rest->tv_sec == 0 && rest->tv_usec == 0)
		return false;
	reports_restore_sets(sets);
	return true;
}

/* These wait no longer than what is kept allows. */
static const struct timespec at_once;

/* A listener that is added to a set in which a thread sleeps is waited on, and no further call tells. */
EXPORT int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	const int result = libc_calls.epoll_ctl(epoll_fd, operation, fd, event);

	if (first_wait_is_watched() && operation == EPOLL_CTL_ADD && result == 0)
		wait_search_registration(epoll_fd, fd);
	return result;
}

EXPORT int epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout)
{
	const struct restart restart = restart_begin(restart_from_ms(timeout), false);
	int result;

	if (first_wait_is_watched())
		wait_search_epoll(epoll_fd);
	if (UNLIKELY(kept_any()) && reports_epoll_has_kept(epoll_fd))
		timeout = 0;
	result = libc_calls.epoll_wait(epoll_fd, events, max, timeout);
	while (epoll_goes_on(&restart, NULL, epoll_fd, events, max, &result))
		result = libc_calls.epoll_wait(epoll_fd, events, max, restart_rest_ms(&restart));
	return result;
}

EXPORT int epoll_pwait(int epoll_fd, struct epoll_event *events, int max, int timeout,
                       const sigset_t *mask)
{
	const struct restart restart = restart_begin(restart_from_ms(timeout), mask);
	int result;

	if (first_wait_is_watched())
		wait_search_epoll(epoll_fd);
	if (UNLIKELY(kept_any()) && reports_epoll_has_kept(epoll_fd))
		timeout = 0;
	result = libc_calls.epoll_pwait(epoll_fd, events, max, timeout, mask);
	while (epoll_goes_on(&restart, NULL, epoll_fd, events, max, &result))
		result = libc_calls.epoll_pwait(epoll_fd, events, max, restart_rest_ms(&restart),
		                                mask);
	return result;
}

EXPORT int epoll_pwait2(int epoll_fd, struct epoll_event *events, int max,
                        const struct timespec *timeout, const sigset_t *mask)
{
	const struct restart restart = restart_begin(by_timespec(timeout), mask);
	int result;

	if (first_wait_is_watched())
		wait_search_epoll(epoll_fd);
	result = libc_calls.epoll_pwait2(
		epoll_fd, events, max,
		UNLIKELY(kept_any()) && reports_epoll_has_kept(epoll_fd) ? &at_once : timeout,
		mask);
	while (epoll_goes_on(&restart, timeout, epoll_fd, events, max, &result)) {
		struct timespec rest;

		result = libc_calls.epoll_pwait2(epoll_fd, events, max,
		                                 restart_rest(&restart, timeout, &rest), mask);
	}
	return result;
}

EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	const struct restart restart = restart_begin(restart_from_ms(timeout), false);
	int result;

	if (first_wait_is_watched())
		wait_search_poll(fds, count);
	if (UNLIKELY(kept_any()) && reports_poll_has_kept(fds, count))
		timeout = 0;
	result = libc_calls.poll(fds, count, timeout);
	while (poll_goes_on(&restart, NULL, fds, count, &result))
		result = libc_calls.poll(fds, count, restart_rest_ms(&restart));
	return result;
}

EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask)
{
	const struct restart restart = restart_begin(by_timespec(timeout), mask);
	int result;

	if (first_wait_is_watched())
		wait_search_poll(fds, count);
	result = libc_calls.ppoll(
		fds, count,
		UNLIKELY(kept_any()) && reports_poll_has_kept(fds, count) ? &at_once : timeout,
		mask);
	while (poll_goes_on(&restart, timeout, fds, count, &result)) {
		struct timespec rest;

		result = libc_calls.ppoll(fds, count, restart_rest(&restart, timeout, &rest), mask);
	}
	return result;
}

/* A failed select() leaves the sets unchanged (select(2)), and Linux has counted TIMEOUT down. */
EXPORT int select(int count, fd_set *in, fd_set *out, fd_set *urgent, struct timeval *timeout)
{
	const struct restart restart = restart_begin(RESTART_FOREVER, false);
	struct timeval now = {0};
	struct reports_sets sets;
	int result;

	if (first_wait_is_watched())
		wait_search_select(count, in);
	reports_save_sets(&sets, count, in, out, urgent);
	result = libc_calls.select(
		count, in, out, urgent,
		UNLIKELY(kept_any()) && reports_select_has_kept(&sets) ? &now : timeout);
	while (select_goes_on(&restart, NULL, timeout, &sets, &result))
		result = libc_calls.select(count, in, out, urgent, timeout);
	return result;
}

EXPORT int pselect(int count, fd_set *in, fd_set *out, fd_set *urgent,
                   const struct timespec *timeout, const sigset_t *mask)
{
	const struct restart restart = restart_begin(by_timespec(timeout), mask);
	struct reports_sets sets;
	int result;

	if (first_wait_is_watched())
		wait_search_select(count, in);
	reports_save_sets(&sets, count, in, out, urgent);
	result = libc_calls.pselect(
		count, in, out, urgent,
		UNLIKELY(kept_any()) && reports_select_has_kept(&sets) ? &at_once : timeout, mask);
	while (select_goes_on(&restart, timeout, NULL, &sets, &result)) {
		struct timespec rest;

		result = libc_calls.pselect(count, in, out, urgent,
		                            restart_rest(&restart, timeout, &rest), mask);
	}
	return result;
}

#ifdef __GLIBC__
/* poll() and ppoll() under -D_FORTIFY_SOURCE. libc checks that the sizes fit. */
EXPORT int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	if (UNLIKELY(!libc_calls.__poll_chk || size / sizeof(*fds) < count)) {
		libc_calls_ensure();
		return libc_calls.__poll_chk(fds, count, timeout, size);
	}
	return poll(fds, count, timeout);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                       const sigset_t *mask, size_t size)
{
	if (UNLIKELY(!libc_calls.__ppoll_chk || size / sizeof(*fds) < count)) {
		libc_calls_ensure();
		return libc_calls.__ppoll_chk(fds, count, timeout, mask, size);
	}
	return ppoll(fds, count, timeout, mask);
}
#endif
