/* SPDX-License-Identifier: MIT */
/* An epoll loop. Its listeners do not block, and are level-triggered. With the argument `level`, `edge` or `oneshot`
 * they block, and it trusts epoll that accept() finds a connection. */
#include "connection.h"
#include "listeners.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* poll() and epoll number these two alike, which connection_wanted() relies on. */
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT, "epoll events differ from poll events");

enum { EVENTS_PER_WAIT = 64 };

static int epoll_fd;
static bool blocks;
static unsigned listener_events = EPOLLIN;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(int operation, int fd, unsigned events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	if (epoll_ctl(epoll_fd, operation, fd, &event) == -1)
		die("epoll_ctl");
}

static void advance(struct connection *connection)
{
	if (!connection_advance(connection)) {
		connection_remove(connection);
		return;
	}
	const short wanted = connection_wanted(connection);
	if (wanted != connection->watched)
		watch(EPOLL_CTL_MOD, connection->fd, (unsigned)wanted);
	connection->watched = wanted;
}

static void accept_all(int listener_fd)
{
	int fd;

	while ((fd = listeners_accept(listener_fd, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		connection_add(fd)->watched = POLLIN;
		watch(EPOLL_CTL_ADD, fd, POLLIN);
	}
}

static bool is_ready(int listener_fd)
{
	struct pollfd request = {.fd = listener_fd, .events = POLLIN};

	return poll(&request, 1, 0) == 1;
}

static void accept_one(int listener_fd)
{
	do {
		const int fd = listeners_accept(listener_fd, 0);

		if (fd == -1)
			die("accept");
		fcntl(fd, F_SETFL, O_NONBLOCK);
		connection_add(fd)->watched = POLLIN;
		watch(EPOLL_CTL_ADD, fd, POLLIN);
	} while (listener_events & EPOLLET && is_ready(listener_fd));
	if (listener_events & EPOLLONESHOT)
		watch(EPOLL_CTL_MOD, listener_fd, listener_events);
}

static void handle(const struct epoll_event *event)
{
	struct connection *connection = connection_find(event->data.fd);

	if (!connection && blocks)
		accept_one(event->data.fd);
	else if (!connection)
		accept_all(event->data.fd);
	else if (connection->state == CONNECTION_WAITING && event->events & (EPOLLHUP | EPOLLERR))
		connection_remove(connection);
	else
		advance(connection);
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;
	struct epoll_event events[EVENTS_PER_WAIT];

	server_options_parse(argc, argv, &options);
	blocks = options.argument;
	if (blocks && strcmp(options.argument, "edge") == 0)
		listener_events |= EPOLLET;
	if (blocks && strcmp(options.argument, "oneshot") == 0)
		listener_events |= EPOLLONESHOT;
	listeners_open(&options, !blocks, &listeners);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd == -1)
		die("epoll_create1");
	for (int i = 0; i < listeners.count; i++)
		watch(EPOLL_CTL_ADD, listeners.fds[i], listener_events);
	for (;;) {
		int count = epoll_wait(epoll_fd, events, EVENTS_PER_WAIT, connection_timeout_ms());
		if (count == -1)
			die("epoll_wait");
		for (int i = 0; i < count; i++)
			handle(&events[i]);
		connection_run_timers(advance);
	}
}
