/* SPDX-License-Identifier: MIT */
/* Owns the quiet listeners, autobound unix sockets (unix(7)) to which nobody connects but the process
 * itself, and the table of the listeners that they replace. A quiet listener never becomes readable,
 * and accept() on it sleeps as long as the server wants it to. */
#ifndef OCTOPUS_QUIET_LISTENER_H
#define OCTOPUS_QUIET_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "kernel/epoll_sets.h"

/* Makes a quiet listener with close-on-exec. Returns its descriptor, which the caller owns, or
 * -errno. EXTRA_TYPE: SOCK_NONBLOCK or 0. Context: any. */
int quiet_listener_make(int extra_type);

/* Adds the listener FD to the table. Returns false once the table is full. Context: the controller,
 * before quiet_listener_complete_table(). */
bool quiet_listener_remember(int fd);

/* From here on the table does not change. Context: the controller. */
void quiet_listener_complete_table(void);

/* Puts a quiet listener in the place of listener INDEX, with its registrations in SETS and its time
 * limit (SO_RCVTIMEO). It blocks only if BLOCKS and its predecessor does. What were descriptors of one socket are so again. Where none can be made it is
 * SPARE_FD's, which stays the caller's. Context: the controller, after the table is complete. */
void quiet_listener_put(int index, bool blocks, int spare_fd, const struct epoll_sets *sets);

/* Makes each quiet listener block whose predecessor blocked, but SPARE_FD's, which others share.
 * Context: the controller, when no accept() of before is under way. */
void quiet_listener_block(int spare_fd);

/* True once the table is complete: from then on any thread may read the table by the functions
 * below. Context: any. */
bool quiet_listener_table_is_complete(void);

/* The table: the descriptors, and the addresses that the replaced listeners had. Context: any. */
int quiet_listener_count(void);
const int *quiet_listener_fds(void);
const struct sockaddr *quiet_listener_address(int index);

/* As getsockname(2); but for a quiet listener it gives the address of the one that it replaced.
 * Context: any. */
int quiet_listener_getsockname(int fd, struct sockaddr *address, socklen_t *length);

/* Returns the index of FD in the table, or -1, also while the table is not complete. Context: any. */
int quiet_listener_find(int fd);

/* True if FD is in the table, and still is the listener or what stands in its place. Context: any. */
bool quiet_listener_has(int fd);

/* True if a quiet listener stands in the place of listener INDEX: neither is the listener still there,
 * nor has the server closed it and used the number again. Context: any. */
bool quiet_listener_is_quiet(int index);

/* True if the listener that was there blocked, or the server believed so; if it had a time limit.
 * Context: any. */
bool quiet_listener_was_blocking(int index);
bool quiet_listener_has_limit(int index);

/* This thread. */
extern __thread struct poller {
	bool polls;
	bool was_told;
	int too_late_fd; /* the listener for which it was too late last, or -1 */
} quiet_listener_poller;

/* A poll, select or epoll of this thread has returned. IS_TOLD: it may have told of a connection that
 * somebody else may take; what the library keeps for the thread (control/kept.h) is none of these.
 * Context: any. */
static inline void quiet_listener_note_wait(bool is_told)
{
	quiet_listener_poller = (struct poller){true, is_told, -1};
}

/* True if this thread uses poll, select or epoll at all. Context: any. */
static inline bool quiet_listener_thread_polls(void)
{
	return quiet_listener_poller.polls;
}

/* True if the thread relies on accept() not to wait. Context: any. */
static inline bool quiet_listener_thread_was_told(void)
{
	return quiet_listener_poller.was_told;
}

/* accept() has said to this thread that it came too late for a connection of FD. If the thread asks
 * again without having polled, it polls something else, its connections perhaps, and wants to wait
 * for one. Context: any. */
void quiet_listener_note_too_late(int fd);
bool quiet_listener_thread_wants_to_wait(int fd);

#endif
