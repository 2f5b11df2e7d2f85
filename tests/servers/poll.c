/* SPDX-License-Identifier: MIT */
/* A poll() loop whose listeners block: it trusts poll() that accept() will find a connection. */
#include "connection.h"
#include "listeners.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static struct pollfd watched[CONNECTION_FD_MAX];

static void advance(struct connection *connection)
{
	if (!connection_advance(connection))
		connection_remove(connection);
}

static void accept_one(int listener_fd)
{
	int fd = listeners_accept(listener_fd, 0);

	if (fd == -1)
		return;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	connection_add(fd);
}

static nfds_t watch_all(const struct listeners *listeners)
{
	nfds_t count = 0;

	for (int i = 0; i < listeners->count; i++)
		watched[count++] = (struct pollfd){listeners->fds[i], POLLIN, 0};
	for (int fd = 0; fd < connection_fd_end(); fd++) {
		struct connection *connection = connection_find(fd);
		if (connection)
			watched[count++] = (struct pollfd){fd, connection_wanted(connection), 0};
	}
	return count;
}

static void handle(const struct pollfd *ready)
{
	struct connection *connection = connection_find(ready->fd);

	if (!connection)
		accept_one(ready->fd);
	else if (connection->state == CONNECTION_WAITING && ready->revents & (POLLHUP | POLLERR))
		connection_remove(connection);
	else
		advance(connection);
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;

	server_options_parse(argc, argv, &options);
	listeners_open(&options, false, &listeners);
	for (;;) {
		nfds_t count = watch_all(&listeners);
		if (poll(watched, count, connection_timeout_ms()) == -1) {
			perror("poll");
			exit(1);
		}
		for (nfds_t i = 0; i < count; i++) {
			if (watched[i].revents)
				handle(&watched[i]);
		}
		connection_run_timers(advance);
	}
}
