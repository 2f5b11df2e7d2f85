/* SPDX-License-Identifier: MIT */
/* The first wait: a process shows that it serves by waiting for a connection. Then a worker gets its
 * controller, and a generation is ready. Afterwards the wrappers test one flag. */
#ifndef OCTOPUS_WAITING_H
#define OCTOPUS_WAITING_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/select.h>

#define WAITING_GENERATION_UNSEEN 1u /* nobody of the generation is known to wait yet */
#define WAITING_UNATTACHED 2u        /* this process, a fork's child, has no controller yet */

/* What is still to be found out in this process. Context: any. */
extern _Atomic uint32_t waiting_for;

/* True while anything is. The one thing that the wrappers test. Context: any. */
static inline bool waiting_is_watched(void)
{
	return __builtin_expect(
		__atomic_load_n((const uint32_t *)&waiting_for, __ATOMIC_RELAXED) != 0, 0);
}

/* The server is about to wait on this. What is not a listener is passed over. Leave errno alone.
 * Context: the server's threads. */
void waiting_on_fd(int fd);
void waiting_on_epoll(int epoll_fd);
void waiting_on_poll(const struct pollfd *fds, nfds_t count);
void waiting_on_select(int count, const fd_set *in);

/* It is about to read from FD. A child that was forked for one connection and has answered on it keeps it for
 * another request: then it has to hear of a drain. Context: the server's threads. */
void waiting_on_connection(int fd);

/* The server is about to sleep or to wait for a signal. A daemon's master does only that.
 * Context: the server's threads. */
void waiting_idly(void);

/* In the child of a fork, whose waits are looked at anew. Context: any. */
void waiting_forked(void);

#endif
