/* SPDX-License-Identifier: MIT */
/* Owns the quiet listener, an autobound unix socket (unix(7)) to which nobody connects, and the
 * table of the listeners that such sockets replace. On it accept() fails with EAGAIN, and it never
 * becomes readable. This module hides the difference where the server would still notice it: a
 * blocking accept(), and getsockname(). */
#ifndef OCTOPUS_QUIET_LISTENER_H
#define OCTOPUS_QUIET_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

/* Makes a quiet listener with close-on-exec. Returns its descriptor, which the caller owns, or
 * -errno. EXTRA_TYPE: SOCK_NONBLOCK or 0. Context: any. */
int quiet_listener_make(int extra_type);

/* Adds the listener FD to the table. Returns false once the table is full. Context: the controller,
 * before quiet_listener_complete_table(). */
bool quiet_listener_remember(int fd);

/* From here on the table does not change. Context: the controller. */
void quiet_listener_complete_table(void);

/* True once the table is complete: from then on any thread may read the table by the functions
 * below. Context: any. */
bool quiet_listener_table_is_complete(void);

/* The table: the descriptors, and the addresses that the replaced listeners had. Context: any. */
int quiet_listener_count(void);
const int *quiet_listener_fds(void);
const struct sockaddr *quiet_listener_address(int index);

/* If FD is a quiet listener, gives the address of the one it replaced, as getsockname(2) would: at
 * most *LENGTH bytes of it, and in *LENGTH its full size. Returns false otherwise. Context: any. */
bool quiet_listener_get_address(int fd, struct sockaddr *address, socklen_t *length);

/* An accept() on FD has failed. If FD is in the table and errno is EAGAIN, EINVAL, EMFILE or
 * ENFILE, sets errno as accept(2) on the replaced listener would. Where that did not block, this is
 * EAGAIN. Where it blocked, sleeps as a blocking accept() without clients does, until a signal of
 * the server's interrupts it, with errno EINTR. But a thread that polls has other things to do, so
 * it gets ECONNABORTED at once, an error that accept(2) lists as one to retry. In all other cases
 * leaves errno alone. Context: any. */
void quiet_listener_accept_failed(int fd);

/* quiet_listener_note_poller() notes that this thread uses poll, select or epoll. Context: any. */
void quiet_listener_note_poller(void);
bool quiet_listener_thread_polls(void);

#endif
