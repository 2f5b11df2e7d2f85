/* SPDX-License-Identifier: MIT */
/* Wraps epoll, poll and select. There a server shows that it serves, and there it must not notice
 * the signals that Octopus handles. */
#include "base/interpose.h"

#include <stdint.h>

#include "control/first_wait.h"
#include "control/wait_search.h"
#include "drain/quiet_listener.h"
#include "signal/restart.h"

static struct restart begin(int64_t limit_ns, bool has_mask)
{
	quiet_listener_note_poller();
	return restart_begin(limit_ns, has_mask);
}

static int64_t by_timespec(const struct timespec *limit)
{
	return limit ? RESTART_BY_TIMESPEC : RESTART_FOREVER;
}

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
	const struct restart restart = begin(restart_from_ms(timeout), false);
	int result;

	if (first_wait_is_watched())
		wait_search_epoll(epoll_fd);
	result = libc_calls.epoll_wait(epoll_fd, events, max, timeout);
	while (UNLIKELY(result < 0) && restart_goes_on(&restart))
		result = libc_calls.epoll_wait(epoll_fd, events, max, restart_rest_ms(&restart));
	return result;
}

EXPORT int epoll_pwait(int epoll_fd, struct epoll_event *events, int max, int timeout,
                       const sigset_t *mask)
{
	const struct restart restart = begin(restart_from_ms(timeout), mask);
	int result;

	if (first_wait_is_watched())
		wait_search_epoll(epoll_fd);
	result = libc_calls.epoll_pwait(epoll_fd, events, max, timeout, mask);
	while (UNLIKELY(result < 0) && restart_goes_on(&restart))
		result = libc_calls.epoll_pwait(epoll_fd, events, max, restart_rest_ms(&restart),
		                                mask);
	return result;
}

EXPORT int epoll_pwait2(int epoll_fd, struct epoll_event *events, int max,
                        const struct timespec *timeout, const sigset_t *mask)
{
	const struct restart restart = begin(by_timespec(timeout), mask);
	int result;

	if (first_wait_is_watched())
		wait_search_epoll(epoll_fd);
	result = libc_calls.epoll_pwait2(epoll_fd, events, max, timeout, mask);
	while (UNLIKELY(result < 0) && restart_goes_on(&restart)) {
		struct timespec rest;

		result = libc_calls.epoll_pwait2(epoll_fd, events, max,
		                                 restart_rest(&restart, timeout, &rest), mask);
	}
	return result;
}

EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	const struct restart restart = begin(restart_from_ms(timeout), false);
	int result;

	if (first_wait_is_watched())
		wait_search_poll(fds, count);
	result = libc_calls.poll(fds, count, timeout);
	while (UNLIKELY(result < 0) && restart_goes_on(&restart))
		result = libc_calls.poll(fds, count, restart_rest_ms(&restart));
	return result;
}

EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask)
{
	const struct restart restart = begin(by_timespec(timeout), mask);
	int result;

	if (first_wait_is_watched())
		wait_search_poll(fds, count);
	result = libc_calls.ppoll(fds, count, timeout, mask);
	while (UNLIKELY(result < 0) && restart_goes_on(&restart)) {
		struct timespec rest;

		result = libc_calls.ppoll(fds, count, restart_rest(&restart, timeout, &rest), mask);
	}
	return result;
}

/* A failed select() leaves the sets unchanged (select(2)), and Linux has counted TIMEOUT down. */
EXPORT int select(int count, fd_set *in, fd_set *out, fd_set *urgent, struct timeval *timeout)
{
	const struct restart restart = begin(RESTART_FOREVER, false);
	int result;

	if (first_wait_is_watched())
		wait_search_select(count, in);
	result = libc_calls.select(count, in, out, urgent, timeout);
	while (UNLIKELY(result < 0) && restart_goes_on(&restart))
		result = libc_calls.select(count, in, out, urgent, timeout);
	return result;
}

EXPORT int pselect(int count, fd_set *in, fd_set *out, fd_set *urgent,
                   const struct timespec *timeout, const sigset_t *mask)
{
	const struct restart restart = begin(by_timespec(timeout), mask);
	int result;

	if (first_wait_is_watched())
		wait_search_select(count, in);
	result = libc_calls.pselect(count, in, out, urgent, timeout, mask);
	while (UNLIKELY(result < 0) && restart_goes_on(&restart)) {
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
