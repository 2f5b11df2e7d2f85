/* SPDX-License-Identifier: MIT */
/* Owns what epoll reports of listeners (reports.h). epoll does not say which descriptor is ready, but what
 * the server has given it as data. So each thread remembers the listeners in the set on which it has waited
 * last, with their data, as /proc tells them: it looks when it waits on another set, and when
 * something shows that the set may have changed. */
#ifndef OCTOPUS_REPORTS_EPOLL_H
#define OCTOPUS_REPORTS_EPOLL_H

#include <stdbool.h>
#include <sys/epoll.h>

/* True if the wait must not sleep, because a connection is kept that it reports. Leaves errno alone.
 * Context: any, if kept_any(). */
bool reports_epoll_has_kept(int epoll_fd);

/* The same as reports_check_poll(). MOST is what EVENTS has room for. A registration for one report is
 * armed again if its report is struck out. Leaves errno alone. Context: any, if reports_are_checked(). */
void reports_check_epoll(int epoll_fd, struct epoll_event *events, int most, int *result);

#endif
