/* SPDX-License-Identifier: MIT */
/* A library that a server opens, as PHP opens its extensions: it listens on the port of 127.0.0.1 that it
 * is given and answers each connection with the process's pid. It has a daemon() of its own. */
#include "deep_library.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int daemon(int keep_directory, int keep_fds)
{
	(void)keep_directory, (void)keep_fds;
	return OWN_DAEMON;
}

static void answer(int fd)
{
	char request[4096], response[256], body[32];
	int length = snprintf(body, sizeof(body), "pong v1 %d\n", getpid());

	length = snprintf(
		response, sizeof(response),
		"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\nX-Version: v1\r\nX-Pid: %d\r\n\r\n%s",
		length, getpid(), body);
	if (read(fd, request, sizeof(request)) > 0)
		(void)!write(fd, response, (size_t)length);
	close(fd);
}

void deep_library_serve(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_port = htons((in_port_t)port),
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int listener_fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(listener_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener_fd, (void *)&address, sizeof(address)) != 0 ||
	    listen(listener_fd, 64) != 0) {
		perror("listen");
		exit(1);
	}
	printf("own daemon() says %d\nready %d %d\n", daemon(0, 0), port, getpid());
	fflush(stdout);
	for (;;) {
		const int fd = accept(listener_fd, NULL, NULL);

		if (fd >= 0)
			answer(fd);
	}
}
