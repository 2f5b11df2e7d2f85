/* SPDX-License-Identifier: MIT */
/* A server that gives up root, or changes its root directory, somewhere on its way:
 * `lowers -l ADDR:PORT STEP,STEP...`, with the steps below in the order in which they are to come. The last
 * one is `serve`, which says `ready PORT PID` and answers as blocking.c does. A successor, which is not root
 * any more, takes the same steps. */
#include "conversation.h"
#include "identity.h"
#include "listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534, LAST_SWEPT = 1100, BACKLOG = 64 };

static struct listeners listeners = {.count = 1};
static struct sockaddr_in address = {.sin_family = AF_INET};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void step_bind(void)
{
	const int on = 1;

	listeners.fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	(void)setsockopt(listeners.fds[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listeners.fds[0], (void *)&address, sizeof(address)) != 0)
		die("bind");
}

static void step_listen(void)
{
	if (listen(listeners.fds[0], BACKLOG) != 0)
		die("listen");
}

/* Who is not root any more cannot, and need not. */
static void leave_groups(void)
{
	(void)setgroups(0, NULL);
	(void)setgid(NOBODY);
}

static void step_setuid(void)
{
	leave_groups();
	if (setuid(NOBODY) != 0)
		die("setuid");
}

static void step_setreuid(void)
{
	leave_groups();
	if (setreuid(NOBODY, NOBODY) != 0)
		die("setreuid");
}

static void step_setresuid(void)
{
	leave_groups();
	if (setresuid(NOBODY, NOBODY, NOBODY) != 0)
		die("setresuid");
}

/* For a moment, as a server does that opens a user's file. */
static void step_toggle(void)
{
	if (geteuid() != 0)
		return;
	if (seteuid(NOBODY) != 0 || seteuid(0) != 0 || setresuid((uid_t)-1, NOBODY, 0) != 0 ||
	    setresuid((uid_t)-1, 0, (uid_t)-1) != 0 || setreuid(NOBODY, 0) != 0 ||
	    setreuid(0, 0) != 0)
		die("toggle");
}

/* What it cannot become leaves it as it is. */
static void step_fail(void)
{
	if (setresuid(NOBODY, (uid_t)-1, (uid_t)-1) != 0 || setresuid(0, 0, 0) != 0 ||
	    chroot("/no/such/directory") == 0)
		die("fail");
}

static void step_chroot(void)
{
	if (chroot(".") != 0 || chdir("/") != 0)
		die("chroot");
}

/* The same directory. */
static void step_chroot_top(void)
{
	if (chroot("/") != 0)
		die("chroot");
}

static void step_sweep(void)
{
	for (int fd = 3; fd <= LAST_SWEPT; fd++) {
		if (fd != listeners.fds[0])
			(void)close(fd);
	}
}

static void step_cover(void)
{
	for (int fd = listeners.fds[0] + 1; fd <= LAST_SWEPT; fd++) {
		if (dup2(0, fd) == fd)
			(void)close(fd);
	}
}

static void step_range(void)
{
	(void)close_range((unsigned)listeners.fds[0] + 1, ~0U, 0);
}

static void serve_connection(int fd)
{
	conversation_serve_fd(fd, false);
}

static void step_worker(void)
{
	const pid_t child = fork();

	identity_set_pid();
	if (child == 0)
		listeners_serve(&listeners, 0, serve_connection);
	printf("worker %d\n", child);
}

static void fork_and_leave(void)
{
	const pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child > 0)
		exit(0);
}

static void step_daemon(void)
{
	fork_and_leave();
	(void)setsid();
	fork_and_leave();
}

static void step_libc_daemon(void)
{
	if (daemon(1, 1) != 0)
		die("daemon");
}

static void say_ready(void)
{
	identity_set_pid();
	printf("ready %d %d\n", ntohs(address.sin_port), getpid());
	fflush(stdout);
}

/* Serves nobody: it is not ready, so that the library's thread stays. */
static void step_stay(void)
{
	say_ready();
	for (;;)
		(void)pause();
}

static void step_serve(void)
{
	say_ready();
	listeners_serve(&listeners, 0, serve_connection);
}

/* A new version that finds something missing. */
static void step_secret(void)
{
	const int fd = open("secret", O_RDONLY);

	if (fd < 0)
		exit(7);
	(void)close(fd);
}

static const struct {
	const char *name;
	void (*take)(void);
} steps[] = {
	{"bind", step_bind},
	{"listen", step_listen},
	{"setuid", step_setuid},
	{"setreuid", step_setreuid},
	{"setresuid", step_setresuid},
	{"toggle", step_toggle},
	{"fail", step_fail},
	{"chroot", step_chroot},
	{"chroot_top", step_chroot_top},
	{"sweep", step_sweep},
	{"cover", step_cover},
	{"range", step_range},
	{"worker", step_worker},
	{"daemon", step_daemon},
	{"libc_daemon", step_libc_daemon},
	{"secret", step_secret},
	{"stay", step_stay},
	{"serve", step_serve},
};

static void take(const char *name)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(steps[i].name, name) == 0) {
			steps[i].take();
			return;
		}
	}
	fprintf(stderr, "lowers: %s: no such step\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct server_options options;
	const char *port;
	char *words, *rest;

	server_options_parse(argc, argv, &options);
	port = options.place_count == 1 ? strrchr(options.places[0].name, ':') : NULL;
	words = options.argument ? strdup(options.argument) : NULL;
	if (!port || !words)
		return 2;
	address.sin_port = htons((in_port_t)atoi(port + 1));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (const char *name = strtok_r(words, ",", &rest); name;
	     name = strtok_r(NULL, ",", &rest))
		take(name);
	free(words);
	return 0;
}
