/* SPDX-License-Identifier: MIT */
/* Owns the quiet listener, an autobound unix socket (unix(7)) that nobody knows, and the table of the listeners whose
 * place such sockets have taken. On it accept() says EAGAIN, and nothing ever becomes readable; what the server
 * would notice all the same (a blocking accept(), getsockname()) is answered here. */
#ifndef OCTOPUS_QUIET_LISTENER_H
#define OCTOPUS_QUIET_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

/* Returns a new one, close-on-exec and the caller's, or -errno. EXTRA_TYPE: SOCK_NONBLOCK or 0. Context: any. */
int quiet_listener_make(int extra_type);

/* Adds the listener FD to the table of those that are to be replaced. Returns false once the table is full.
 * Context: the controller, before quiet_listener_complete_table(). */
bool quiet_listener_remember(int fd);

/* The table stays as it is from here on. Context: the controller. */
void quiet_listener_complete_table(void);

/* True once the table is complete: from then on quiet_listener_accept_failed() may be called, and the next
 * three answer. Context: any. */
bool quiet_listener_table_is_complete(void);

/* What the table holds: the numbers, and the addresses of the listeners that stood there. Context: any. */
int quiet_listener_count(void);
const int *quiet_listener_fds(void);
const struct sockaddr *quiet_listener_address(int index);

/* If FD is a quiet listener, gives the name of the one it stands for, as getsockname(2) would: at most
 * *LENGTH bytes of it, and in *LENGTH its full size. Returns false otherwise. Context: any. */
bool quiet_listener_get_address(int fd, struct sockaddr *address, socklen_t *length);

/* After an accept() that failed with EAGAIN: on a quiet listener that stands for a blocking one, does
 * what a blocking accept() does where nobody connects; it returns when a signal of the server's
 * interrupts it, with errno EINTR. In a thread that polls, and so has other things to do, sets
 * errno to ECONNABORTED, which accept(2) tells servers to expect. Else leaves errno alone.
 * Context: any. */
void quiet_listener_accept_failed(int fd);

/* This thread uses poll, select or epoll. Context: any. */
void quiet_listener_note_poller(void);
bool quiet_listener_thread_polls(void);

#endif
