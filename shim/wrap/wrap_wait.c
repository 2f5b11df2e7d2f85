/* SPDX-License-Identifier: MIT */
/* epoll, poll, select: where a server shows that it serves, and where our signals must not show. */
#include "base/interpose.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "control/waiting.h"
#include "drain/quiet_listener.h"
#include "signal/dispositions.h"

#define FOREVER -1

/* These calls are never restarted after a handler (signal(7)), and a server without handlers of its
 * own need not know EINTR: for such a one the call goes on, for the rest of its time. */
struct patience {
	int64_t limit_ns; /* FOREVER: none */
	int64_t begun_ns; /* 0: not measured */
};

static struct patience begin(int64_t limit_ns)
{
	quiet_listener_note_poller();
	return (struct patience){limit_ns,
	                         limit_ns > 0 && dispositions_taken() ? clock_coarse_now_ns() : 0};
}

/* True if the call failed only because one of our signals came by. */
static bool go_on(const struct patience *patience)
{
	return dispositions_interrupted_us() &&
	       (patience->limit_ns == FOREVER || patience->begun_ns);
}

static int64_t remaining_ns(const struct patience *patience)
{
	int64_t rest;

	if (patience->limit_ns <= 0)
		return patience->limit_ns;
	rest = patience->limit_ns -
	       (patience->begun_ns ? clock_coarse_now_ns() - patience->begun_ns : 0);
	return rest > 0 ? rest : 0;
}

static int remaining_ms(const struct patience *patience)
{
	const int64_t rest = remaining_ns(patience);

	return rest < 0 ? FOREVER : (int)((rest + NS_PER_MS - 1) / NS_PER_MS);
}

static int64_t from_ms(int ms)
{
	return ms < 0 ? FOREVER : ms * NS_PER_MS;
}

static int64_t from_timespec(const struct timespec *limit)
{
	if (!limit || limit->tv_sec < 0 || limit->tv_sec > INT32_MAX)
		return FOREVER;
	return limit->tv_sec * NS_PER_S + limit->tv_nsec;
}

EXPORT int epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout)
{
	struct patience patience = begin(from_ms(timeout));
	int result;

	if (waiting_is_watched())
		waiting_on_epoll(epoll_fd);
	result = libc_calls.epoll_wait(epoll_fd, events, max, timeout);
	while (UNLIKELY(result < 0) && go_on(&patience))
		result = libc_calls.epoll_wait(epoll_fd, events, max, remaining_ms(&patience));
	return result;
}

EXPORT int epoll_pwait(int epoll_fd, struct epoll_event *events, int max, int timeout,
                       const sigset_t *mask)
{
	struct patience patience = begin(from_ms(timeout));
	int result;

	if (waiting_is_watched())
		waiting_on_epoll(epoll_fd);
	result = libc_calls.epoll_pwait(epoll_fd, events, max, timeout, mask);
	while (UNLIKELY(result < 0) && go_on(&patience))
		result = libc_calls.epoll_pwait(epoll_fd, events, max, remaining_ms(&patience),
		                                mask);
	return result;
}

EXPORT int epoll_pwait2(int epoll_fd, struct epoll_event *events, int max,
                        const struct timespec *timeout, const sigset_t *mask)
{
	struct patience patience = begin(from_timespec(timeout));
	int result;

	if (waiting_is_watched())
		waiting_on_epoll(epoll_fd);
	result = libc_calls.epoll_pwait2(epoll_fd, events, max, timeout, mask);
	while (UNLIKELY(result < 0) && go_on(&patience)) {
		const struct timespec rest = clock_to_timespec(remaining_ns(&patience));

		result = libc_calls.epoll_pwait2(epoll_fd, events, max, timeout ? &rest : NULL,
		                                 mask);
	}
	return result;
}

EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct patience patience = begin(from_ms(timeout));
	int result;

	if (waiting_is_watched())
		waiting_on_poll(fds, count);
	result = libc_calls.poll(fds, count, timeout);
	while (UNLIKELY(result < 0) && go_on(&patience))
		result = libc_calls.poll(fds, count, remaining_ms(&patience));
	return result;
}

EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                 const sigset_t *mask)
{
	struct patience patience = begin(from_timespec(timeout));
	int result;

	if (waiting_is_watched())
		waiting_on_poll(fds, count);
	result = libc_calls.ppoll(fds, count, timeout, mask);
	while (UNLIKELY(result < 0) && go_on(&patience)) {
		const struct timespec rest = clock_to_timespec(remaining_ns(&patience));

		result = libc_calls.ppoll(fds, count, timeout ? &rest : NULL, mask);
	}
	return result;
}

/* A failed select() leaves the sets as they were (select(2)), and Linux has counted TIMEOUT down. */
EXPORT int select(int count, fd_set *in, fd_set *out, fd_set *urgent, struct timeval *timeout)
{
	struct patience patience = begin(FOREVER);
	int result;

	if (waiting_is_watched())
		waiting_on_select(count, in);
	result = libc_calls.select(count, in, out, urgent, timeout);
	while (UNLIKELY(result < 0) && go_on(&patience))
		result = libc_calls.select(count, in, out, urgent, timeout);
	return result;
}

EXPORT int pselect(int count, fd_set *in, fd_set *out, fd_set *urgent,
                   const struct timespec *timeout, const sigset_t *mask)
{
	struct patience patience = begin(from_timespec(timeout));
	int result;

	if (waiting_is_watched())
		waiting_on_select(count, in);
	result = libc_calls.pselect(count, in, out, urgent, timeout, mask);
	while (UNLIKELY(result < 0) && go_on(&patience)) {
		const struct timespec rest = clock_to_timespec(remaining_ns(&patience));

		result = libc_calls.pselect(count, in, out, urgent, timeout ? &rest : NULL, mask);
	}
	return result;
}

#ifdef __GLIBC__
/* What poll() and ppoll() become under -D_FORTIFY_SOURCE. The check that their sizes fit stays
 * libc's. */
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
