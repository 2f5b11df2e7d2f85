/* SPDX-License-Identifier: MIT */
/* Serves each connection in a child of its own; the kernel reaps the children. */
#include "conversation.h"
#include "listeners.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct listeners listeners;

static void serve(int fd)
{
	pid_t pid = fork();

	if (pid == -1) {
		perror("fork");
		exit(1);
	}
	if (pid == 0) {
		for (int i = 0; i < listeners.count; i++)
			close(listeners.fds[i]);
		conversation_serve_fd(fd, false);
		_exit(0);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct server_options options;

	server_options_parse(argc, argv, &options);
	signal(SIGCHLD, SIG_IGN);
	listeners_open(&options, false, &listeners);
	listeners_serve(&listeners, 0, serve);
}
