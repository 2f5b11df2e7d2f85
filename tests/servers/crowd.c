/* SPDX-License-Identifier: MIT */
/* A crowd: threads that do at once, for ever, all that the library looks at or keeps in mind. Each begins by
 * listening for itself, at the same moment as all others: none of them is the first.
 * TERM ends it with 7, from whichever thread gets it. */
#include "conversation.h"
#include "listeners.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_OWN = 7 };

static pthread_barrier_t all_here, all_listen;
static struct server_options options;
static struct listeners listeners;

static void on_term(int sig)
{
	(void)sig;
	_exit(EXIT_OWN);
}

static void on_other(int sig)
{
	(void)sig;
}

static void check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static int listen_anywhere(void)
{
	const struct sockaddr_in loopback = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	check(bind(fd, (const void *)&loopback, sizeof(loopback)), "bind");
	pthread_barrier_wait(&all_here);
	check(listen(fd, 16), "listen");
	pthread_barrier_wait(&all_listen);
	return fd;
}

static void serve_one(int listener_fd)
{
	const int fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		conversation_serve_fd(fd, true);
}

static void accept_now_and_then(int own_fd)
{
	struct pollfd request = {.fd = listeners.fds[0], .events = POLLIN};

	(void)poll(&request, 1, 1);
	serve_one(listeners.fds[0]);
	serve_one(own_fd);
}

static void ask_for_names(int own_fd)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);

	check(getsockname(own_fd, (void *)&name, &length), "getsockname");
	length = sizeof(name);
	check(getsockname(listeners.fds[0], (void *)&name, &length), "getsockname");
	(void)poll(NULL, 0, 1);
}

static void set_handlers(int own_fd)
{
	static const int signals[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};

	(void)own_fd;
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction action = {.sa_handler = on_other, .sa_flags = SA_RESTART};

		check(sigaction(signals[i], &action, NULL), "sigaction");
	}
	(void)poll(NULL, 0, 1);
}

static void fork_children(int own_fd)
{
	const pid_t child = fork();

	(void)own_fd;
	check(child, "fork");
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	(void)poll(NULL, 0, 20);
}

static void make_signal_fds(int own_fd)
{
	sigset_t set;
	int fd;

	(void)own_fd;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	check(fd, "signalfd");
	(void)poll(NULL, 0, 1);
	close(fd);
}

static void (*const habits[])(int own_fd) = {
	accept_now_and_then, accept_now_and_then, ask_for_names,   ask_for_names,
	set_handlers,        set_handlers,        make_signal_fds, fork_children,
};
enum { CROWD = sizeof(habits) / sizeof(habits[0]) };

static void *live(void *habit)
{
	const int own_fd = listen_anywhere();

	for (;;)
		habits[(intptr_t)habit](own_fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_term};
	pthread_t thread;

	server_options_parse(argc, argv, &options);
	check(sigaction(SIGTERM, &action, NULL), "sigaction");
	pthread_barrier_init(&all_here, NULL, CROWD + 1);
	pthread_barrier_init(&all_listen, NULL, CROWD + 1);
	for (intptr_t i = 0; i < CROWD; i++)
		check(-pthread_create(&thread, NULL, live, (void *)i), "pthread_create");
	pthread_barrier_wait(&all_here);
	listeners_open(&options, true, &listeners);
	pthread_barrier_wait(&all_listen);
	for (;;)
		pause();
}
