/* SPDX-License-Identifier: MIT */
#include "control/reports_poll.h"

#include <stdint.h>

#include "control/kept.h"
#include "control/reports.h"
#include "kernel/caller_memory.h"

#define IN (POLLIN | POLLRDNORM)

/* The kernel refuses more than there may be descriptors, whatever memory they are said to lie in. */
#define MOST_POLLED (1u << 20)

static bool is_kept(const struct pollfd *watched)
{
	return watched->fd >= 0 && watched->events & IN && kept_has(watched->fd);
}

bool reports_poll_has_kept(const struct pollfd *fds, nfds_t count)
{
	if (count > MOST_POLLED || !caller_memory_is_readable(fds, count * sizeof(*fds)))
		return false;
	for (nfds_t i = 0; i < count; i++) {
		if (is_kept(&fds[i]))
			return true;
	}
	return false;
}

static void check_polled(struct pollfd *watched, int *result)
{
	const bool was_ready = watched->revents;

	if (!reports_is_accepted_on(watched->fd) || !(watched->events & IN))
		return;
	if (watched->revents & IN) {
		if (!reports_is_there(watched->fd))
			watched->revents &= ~IN;
	} else if (kept_has(watched->fd)) {
		watched->revents |= watched->events & IN;
	}
	*result += (watched->revents != 0) - was_ready;
}

void reports_check_poll(struct pollfd *fds, nfds_t count, int *result)
{
	const bool is_kept = kept_any();

	for (nfds_t i = 0; (*result > 0 || is_kept) && i < count; i++) {
		if (fds[i].revents || is_kept)
			check_polled(&fds[i], result);
	}
}

bool reports_poll_tells(const struct pollfd *fds, nfds_t count, int result)
{
	for (nfds_t i = 0; result > 0 && i < count; i++) {
		if (!fds[i].revents)
			continue;
		if (reports_is_accepted_on(fds[i].fd))
			return true;
		result--;
	}
	return false;
}
