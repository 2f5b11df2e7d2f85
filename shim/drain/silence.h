/* SPDX-License-Identifier: MIT */
/* Silence: this process stops accepting, all at once and without a test on any hot path. A quiet
 * listener (an autobound unix socket, unix(7), that nobody knows) takes the place of each listener:
 * accept() says EAGAIN, and nothing ever becomes readable. */
#ifndef OCTOPUS_SILENCE_H
#define OCTOPUS_SILENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Replaces every listener of this process but the COUNT descriptors of KEPT, moves their epoll registrations along, wakes the threads
 * that wait on one, and returns when no accept() is under way any more: what was accepted has its
 * descriptor by then. Returns 0, or -errno when nothing was changed. Context: the controller. */
int silence_begin(const int *kept, int count);

/* Waits until it is, for LIMIT_MS at most. Context: any. */
void silence_await(int64_t limit_ms);

/* In a successor, once its predecessor is silent: a connection wakes one exclusive waiter only
 * (EPOLLEXCLUSIVE, epoll_ctl(2)), and that one may have been the predecessor's, which took no notice any
 * more. Exclusive registrations of a listener that has somebody waiting are made anew, which tells.
 * Context: the controller. */
void silence_rearm_exclusive(void);

/* True once this process, or the one that forked it, is silent. Context: any. */
bool silence_is_on(void);

/* The addresses of the listeners that were replaced. Context: any, once silent. */
int silence_address_count(void);
const struct sockaddr *silence_address(int index);

/* If FD is a quiet listener, gives the name of the one it stands for, as getsockname(2) would: at most
 * *LENGTH bytes of it, and in *LENGTH its full size. Returns false otherwise. Context: any. */
bool silence_get_address(int fd, struct sockaddr *address, socklen_t *length);

/* Brackets every accept() of the server; silence_begin() waits until none is inside. Context: any. */
void silence_accept_enter(void);
void silence_accept_leave(void);

/* True once an accept() that fails because its listener was ended is taken care of, silent or not. Context: any. */
bool silence_is_prepared(void);

/* After an accept() that failed with EAGAIN: on a quiet listener that stands for a blocking one, does
 * what a blocking accept() does where nobody connects; it returns when a signal of the server's
 * interrupts it, with errno EINTR. In a thread that polls, and so has other things to do, sets
 * errno to ECONNABORTED, which accept(2) tells servers to expect. Else leaves errno alone.
 * Context: any. */
void silence_accept_failed(int fd);

/* In the child of a fork: the other threads' accepts are not its own. Context: any. */
void silence_forked(void);

/* This thread uses poll, select or epoll. Context: any. */
void silence_note_poller(void);
bool silence_thread_polls(void);

#endif
