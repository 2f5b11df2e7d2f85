/* SPDX-License-Identifier: MIT */
/* Owns the search for the epoll sets of this process, and for the registrations of a descriptor in
 * them. It asks the kernel each time (/proc/self/fdinfo, proc(5)). */
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

/* The registrations of one descriptor. */
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

/* Finds the registrations of FD in SETS, at most EPOLL_REGISTRATIONS. Context: any. */
void epoll_sets_find_registrations(const struct epoll_sets *sets, int fd,
                                   struct epoll_registrations *ret_found);

/* Remove the registrations from their sets, and add them again with the same events and data. They
 * are added for the file that the descriptor refers to by then: a registration belongs to the open
 * file, not to the number (epoll(7), "Q6"). Context: any. */
void epoll_sets_take_out(const struct epoll_registrations *registrations);
void epoll_sets_put_back(struct epoll_registrations *registrations);

/* Puts the open file of WITH in the place of FD, by dup3(2), with FD's close-on-exec flag and its
 * registrations in SETS. These are taken out while FD still is the old file, so that a later
 * EPOLL_CTL_MOD or _DEL works. Both descriptors stay the caller's. Returns 0 or -errno.
 * Context: any. */
int epoll_sets_replace(const struct epoll_sets *sets, int fd, int with);

/* Renews the exclusive registrations of each listener on which a connection waits, which wakes a
 * waiter of this process. A connection wakes only one exclusive waiter (EPOLLEXCLUSIVE,
 * epoll_ctl(2)), and that may have been a waiter of another generation that has stopped accepting
 * since. Context: the controller. */
void epoll_sets_rearm_listeners(void);

#endif
