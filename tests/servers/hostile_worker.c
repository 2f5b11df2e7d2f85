/* SPDX-License-Identifier: MIT */
/* A master that only conducts, and two workers, of which one turns on everybody else: once it has
 * accepted its first client, a thread and a child of it write over all memory that they share with
 * others, as fast as they can, and try by every way to get at the rest. It goes on serving. Started
 * by root, the workers are nobody. The argument is the pid of a victim, which the worker writes
 * where it can; behind a comma, the one pattern that it writes, instead of all in turn.
 *
 * Now and then it tells in one line: `hostile PID shares N gained M`. N mappings are
 * writable for it; M is how often it could write what it should not be able to. */
#include "conversation.h"
#include "listeners.h"
#include "trespass.h"

#include <grp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 2, NOBODY = 65534 };

static struct listeners listeners;

static void *go_on_attacking(void *unused)
{
	for (unsigned round_number = 1;; round_number++) {
		trespass();
		if (round_number % 5 == 0)
			trespass_tell();
		usleep(5000);
	}
	return unused;
}

/* The child comes by a call that no hook sees. */
static void turn_hostile(int connection_fd)
{
	pthread_t thread;

	if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
		close(connection_fd);
		while (getppid() != 1) {
			trespass();
			usleep(5000);
		}
		_exit(0);
	}
	pthread_create(&thread, NULL, go_on_attacking, NULL);
}

static void be_worker(bool is_hostile)
{
	bool has_turned = !is_hostile;

	if (getuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
		_exit(9);
	for (;;) {
		const int fd = accept(listeners.fds[0], NULL, NULL);

		if (fd == -1) {
			usleep(1000);
			continue;
		}
		if (!has_turned)
			turn_hostile(fd);
		has_turned = true;
		conversation_serve_fd(fd, true);
	}
}

int main(int argc, char **argv)
{
	struct server_options options;
	pid_t workers[WORKERS] = {0};

	server_options_parse(argc, argv, &options);
	if (options.argument)
		trespass_begin((uint32_t)atoi(options.argument),
		               options.argument[strcspn(options.argument, ",")]
		                       ? strchr(options.argument, ',')[1]
		                       : 0);
	listeners_open(&options, false, &listeners);
	for (;;) {
		for (int i = 0; i < WORKERS; i++) {
			if (!workers[i] && (workers[i] = fork()) == 0)
				be_worker(i == 0);
		}
		const pid_t ended = wait(NULL);

		for (int i = 0; i < WORKERS; i++) {
			if (workers[i] == ended)
				workers[i] = 0;
		}
	}
}
