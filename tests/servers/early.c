/* SPDX-License-Identifier: MIT */
/* A server that spoils its own arguments and environment before it makes any other call, as those
 * do that set a process title or take secrets out of their environment. Its name and port are
 * its arguments, and $EARLY_SECRET has to be `kept`. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(int listener_fd)
{
	char request[4096];
	const int fd = accept(listener_fd, NULL, NULL);

	if (fd == -1)
		exit(1);
	if (read(fd, request, sizeof(request)) > 0)
		dprintf(fd, "HTTP/1.0 200 OK\r\nX-Version: v1\r\nX-Pid: %d\r\n\r\n", getpid());
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	const char *secret = getenv("EARLY_SECRET");
	const int on = 1;

	if (argc != 2 || !secret || strcmp(secret, "kept") != 0)
		return 2;
	address.sin_port = htons((in_port_t)atoi(argv[1]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memset(argv[1], '9', strlen(argv[1]));
	unsetenv("EARLY_SECRET");
	setenv("PATH", "/nowhere", 1);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&address, sizeof(address)) != 0 || listen(fd, 64) != 0)
		return 3;
	for (;;)
		serve(fd);
}
