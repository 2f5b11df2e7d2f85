/* SPDX-License-Identifier: MIT */
/* A server that makes some of its calls past libc, as programs in other languages do. The first word says which:
 *   accept, poll, epoll  only listen(); it waits for clients by this call of libc's
 *   fork                 only listen(); a child accepts
 *   all                  all but accept() */
#include "base/raw_syscall.h"
#include "conversation.h"
#include "listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *mode;

static bool mode_is(const char *word)
{
	return strcmp(mode, word) == 0;
}

static int listen_past_libc(int port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
	                                    .sin_port = htons((in_port_t)port),
	                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int one = 1;
	long fd, error;

	fd = mode_is("all") ? RAW3(SYS_socket, AF_INET, SOCK_STREAM, 0)
	                    : socket(AF_INET, SOCK_STREAM, 0);
	setsockopt((int)fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	error = mode_is("all") ? RAW3(SYS_bind, fd, &address, sizeof(address))
	                       : bind((int)fd, (const void *)&address, sizeof(address));
	if (error || RAW2(SYS_listen, fd, 64) != 0) {
		perror("listen");
		exit(1);
	}
	return (int)fd;
}

static void wait_for_client(int listener_fd, int epoll_fd)
{
	struct pollfd wanted = {.fd = listener_fd, .events = POLLIN};
	struct epoll_event event;

	if (mode_is("poll"))
		(void)poll(&wanted, 1, -1);
	else if (mode_is("epoll"))
		(void)epoll_wait(epoll_fd, &event, 1, -1);
}

int main(int argc, char **argv)
{
	const int port = argc > 2 ? atoi(argv[1]) : 0;
	struct epoll_event event = {.events = EPOLLIN};
	int listener_fd, epoll_fd;

	mode = argc > 2 ? argv[2] : "";
	listener_fd = listen_past_libc(port);
	epoll_fd = epoll_create1(0);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener_fd, &event);
	if (mode_is("fork") && fork() > 0) {
		wait(NULL);
		return 0;
	}
	printf("ready %d %d\n", port, getpid());
	fflush(stdout);
	for (;;) {
		int fd;

		wait_for_client(listener_fd, epoll_fd);
		fd = accept(listener_fd, NULL, NULL);
		if (fd >= 0)
			conversation_serve_fd(fd, true);
	}
}
