/* SPDX-License-Identifier: MIT */
/* A select() loop whose listeners block: it trusts select() that accept() finds a connection. */
#include "connection.h"
#include "listeners.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

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
	if (fd >= FD_SETSIZE) {
		close(fd);
		return;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	connection_add(fd);
}

/* Returns the first argument for select(). */
static int watch_all(const struct listeners *listeners, fd_set *ret_reads, fd_set *ret_writes)
{
	int end = connection_fd_end();

	FD_ZERO(ret_reads);
	FD_ZERO(ret_writes);
	for (int i = 0; i < listeners->count; i++) {
		FD_SET(listeners->fds[i], ret_reads);
		if (listeners->fds[i] >= end)
			end = listeners->fds[i] + 1;
	}
	for (int fd = 0; fd < connection_fd_end(); fd++) {
		struct connection *connection = connection_find(fd);
		if (connection && connection_wanted(connection) == POLLIN)
			FD_SET(fd, ret_reads);
		if (connection && connection_wanted(connection) == POLLOUT)
			FD_SET(fd, ret_writes);
	}
	return end;
}

static int wait_for_events(int end, fd_set *reads, fd_set *writes)
{
	int ms = connection_timeout_ms();
	struct timeval timeout = {ms / 1000, ms % 1000 * 1000};

	return select(end, reads, writes, NULL, ms == -1 ? NULL : &timeout);
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;

	server_options_parse(argc, argv, &options);
	listeners_open(&options, false, &listeners);
	for (;;) {
		fd_set reads;
		fd_set writes;
		int end = watch_all(&listeners, &reads, &writes);
		if (wait_for_events(end, &reads, &writes) == -1) {
			perror("select");
			exit(1);
		}
		for (int fd = 0; fd < end; fd++) {
			if (!FD_ISSET(fd, &reads) && !FD_ISSET(fd, &writes))
				continue;
			if (connection_find(fd))
				advance(connection_find(fd));
			else
				accept_one(fd);
		}
		connection_run_timers(advance);
	}
}
