/* SPDX-License-Identifier: MIT */
/* Owns the search for listeners in what a server waits on with epoll, poll or select: until it is known
 * that the process waits for clients (first_wait.h), and only then. The wrappers test
 * first_wait_is_watched() before they call any of these. All leave errno alone. */
#ifndef OCTOPUS_WAIT_SEARCH_H
#define OCTOPUS_WAIT_SEARCH_H

#include <poll.h>
#include <sys/select.h>

/* The server is about to wait on these. Context: the server's threads. */
void wait_search_epoll(int epoll_fd);
void wait_search_poll(const struct pollfd *fds, nfds_t count);
void wait_search_select(int count, const fd_set *in);

/* The server has added FD to an epoll set, in which a thread may sleep already.
 * Context: the server's threads. */
void wait_search_registration(int epoll_fd, int fd);

/* FD listens now, or was adopted. Not only while first_wait_is_watched(). Context: any. */
void wait_search_note_listener(int fd);

/* Starts anew in the child of a fork. Context: any. */
void wait_search_forked(void);

#endif
