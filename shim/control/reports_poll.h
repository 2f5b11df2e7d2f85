/* SPDX-License-Identifier: MIT */
/* Owns what poll() reports of listeners (reports.h). */
#ifndef OCTOPUS_REPORTS_POLL_H
#define OCTOPUS_REPORTS_POLL_H

#include <poll.h>
#include <stdbool.h>

/* True if the wait must not sleep, because a connection is kept that it reports. Leaves errno alone.
 * Context: any, if kept_any(). */
bool reports_poll_has_kept(const struct pollfd *fds, nfds_t count);

/* The wait has returned *RESULT, which is not negative. Takes what it reports, strikes out what is not
 * there any more, and adds what is kept. Then *RESULT counts what is left. Leaves errno alone.
 * Context: any, if reports_are_checked(). */
void reports_check_poll(struct pollfd *fds, nfds_t count, int *result);

/* True if the wait, whose RESULT is that, has told of a listener on which this process accepts.
 * Context: any. */
bool reports_poll_tells(const struct pollfd *fds, nfds_t count, int result);

#endif
