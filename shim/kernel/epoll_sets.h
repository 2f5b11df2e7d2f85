/* SPDX-License-Identifier: MIT */
/* Owns the epoll sets of this process: which there are, and how a descriptor is registered in them. The kernel
 * is asked each time (/proc/self/fdinfo, proc(5)). */
#ifndef OCTOPUS_EPOLL_SETS_H
#define OCTOPUS_EPOLL_SETS_H

#include <sys/epoll.h>

/* A server has a handful of epoll sets, and a listener is in one to a few of them. */
#define EPOLL_SETS 256
#define EPOLL_REGISTRATIONS 64

struct epoll_sets {
	int fds[EPOLL_SETS];
	int count;
};

/* One descriptor, as the sets have it. */
struct epoll_registration {
	int epoll_fd;
	struct epoll_event event;
};
struct epoll_registrations {
	int fd;
	int count;
	struct epoll_registration list[EPOLL_REGISTRATIONS];
};

/* Finds all sets, at most EPOLL_SETS. The descriptors stay the server's. Context: any. */
void epoll_sets_find(struct epoll_sets *ret_sets);

/* Finds how FD is registered in SETS, at most EPOLL_REGISTRATIONS times. Context: any. */
void epoll_sets_find_registrations(const struct epoll_sets *sets, int fd,
                                   struct epoll_registrations *ret_found);

/* Takes these registrations out of their sets, and makes them anew with the same events and data for the file that
 * the number leads to by then: a registration belongs to the open file, not to the number (epoll(7), "Q6").
 * Context: any. */
void epoll_sets_take_out(const struct epoll_registrations *registrations);
void epoll_sets_put_back(struct epoll_registrations *registrations);

/* A connection wakes one exclusive waiter only (EPOLLEXCLUSIVE, epoll_ctl(2)); that one may have been another
 * generation's, which has stopped accepting since. Makes the exclusive registrations of each listener on which
 * a connection waits anew, which wakes a waiter of this process. Context: the controller. */
void epoll_sets_rearm_listeners(void);

#endif
