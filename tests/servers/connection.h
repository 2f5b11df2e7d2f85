/* SPDX-License-Identifier: MIT */
/* Owns the connections of an event loop: what each waits for, and how it goes on. */
#ifndef TESTS_SERVERS_CONNECTION_H
#define TESTS_SERVERS_CONNECTION_H

#include "http.h"

#include <stdbool.h>

enum { CONNECTION_FD_MAX = 65536 };

enum connection_state { CONNECTION_READING, CONNECTION_WAITING, CONNECTION_WRITING };

struct connection {
	int fd;
	enum connection_state state;
	short watched;     /* the events that an epoll set was told of */
	long long wake_at; /* while waiting, in ms of CLOCK_MONOTONIC */
	char in[HTTP_REQUEST_MAX];
	size_t in_len;
	struct http_reply reply;
	struct http_piece out;
};

/* Takes over the non-blocking socket FD. */
struct connection *connection_add(int fd);

/* Closes the connection and forgets it. */
void connection_remove(struct connection *connection);

/* Returns the connection of descriptor FD, or NULL. */
struct connection *connection_find(int fd);

/* One more than the largest descriptor that ever was a connection. */
int connection_fd_end(void);

/* POLLIN, POLLOUT, or 0 while a timer runs. */
short connection_wanted(const struct connection *connection);

/* Goes on as far as possible without blocking. Returns false when the connection is at its end
 * and is to be removed. */
bool connection_advance(struct connection *connection);

/* Milliseconds until the first timer is due, -1 without timers: what poll() wants. */
int connection_timeout_ms(void);

/* Calls ADVANCE with every connection whose timer is due. */
void connection_run_timers(void (*advance)(struct connection *connection));

#endif
