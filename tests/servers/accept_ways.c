/* SPDX-License-Identifier: MIT */
/* Accepts on a listener that blocks, in the way that WAY names, and believes its system calls: what its wait
 * reports is there, accept() never fails, and it is cut short only as signal(7) says. Else it says so in a
 * line `accept: ERROR`, and ends.
 *
 * Usage: accept_ways WAY -l ADDR:PORT. */
#include "conversation.h"
#include "listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_MS = 300, TICK_MS = 5, THREADS = 4, WAIT_MS = 200 };

static int listener, epoll_fd, outer_fd;
static uint32_t epoll_events;

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void end(const char *what)
{
	fprintf(stderr, "accept: %s\n", what);
	exit(1);
}

static void say_nothing_came(void)
{
	fprintf(stderr, "%d timed out\n", getpid());
}

/* The address is the client's, whoever has taken the connection. */
static int accept_one(void)
{
	struct sockaddr_storage peer, given;
	socklen_t given_length = sizeof(given), length = sizeof(peer);
	const int fd = accept(listener, (struct sockaddr *)&given, &given_length);

	if (fd < 0)
		end(strerrorname_np(errno));
	if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0 &&
	    (length != given_length || memcmp(&peer, &given, length) != 0))
		end("another address");
	if (fcntl(fd, F_GETFD) != 0 || fcntl(fd, F_GETFL) & O_NONBLOCK)
		end("other flags");
	return fd;
}

static void serve_one(void)
{
	conversation_serve_fd(accept_one(), true);
}

/* Its connections have a time limit: then libc's poll() is not asked. */
static void by_accept(void)
{
	const struct timeval limit = {.tv_sec = 5};
	const int fd = accept_one();

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	conversation_serve_fd(fd, true);
}

/* Polls each connection before it reads, as a runtime does that knows time limits. */
static void by_polled_connection(void)
{
	const int fd = accept_one();
	struct pollfd request = {.fd = fd, .events = POLLIN};

	poll(&request, 1, 5000);
	conversation_serve_fd(fd, true);
}

static void by_limited_accept(void)
{
	const long long begin = now_ms();
	const int fd = accept(listener, NULL, NULL);

	if (fd < 0 && errno != EAGAIN)
		end(strerrorname_np(errno));
	if (fd < 0 && now_ms() - begin < LIMIT_MS - 20)
		end("EAGAIN before its time");
	if (fd < 0)
		say_nothing_came();
	if (fd >= 0)
		conversation_serve_fd(fd, true);
}

/* accept4() with flags. */
static void by_accept4(void)
{
	struct pollfd request = {.fd = listener, .events = POLLIN};
	int fd;

	if (poll(&request, 1, -1) < 1)
		return;
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		end(strerrorname_np(errno));
	if (fcntl(fd, F_GETFD) != FD_CLOEXEC || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		end("other flags");
	fcntl(fd, F_SETFL, 0);
	conversation_serve_fd(fd, true);
}

static void by_poll(void)
{
	struct pollfd request = {.fd = listener, .events = POLLIN};

	if (poll(&request, 1, WAIT_MS) == 1)
		serve_one();
	else
		say_nothing_came();
}

static void by_ppoll(void)
{
	const struct timespec limit = {.tv_nsec = WAIT_MS * 1000000L};
	struct pollfd request = {.fd = listener, .events = POLLIN};

	if (ppoll(&request, 1, &limit, NULL) == 1)
		serve_one();
	else
		say_nothing_came();
}

static void by_select(void)
{
	struct timeval limit = {.tv_usec = WAIT_MS * 1000};
	fd_set in;

	FD_ZERO(&in);
	FD_SET(listener, &in);
	if (select(listener + 1, &in, NULL, NULL, &limit) != FD_ISSET(listener, &in))
		end("another set than the result");
	if (FD_ISSET(listener, &in))
		serve_one();
	else
		say_nothing_came();
}

static void by_pselect(void)
{
	const struct timespec limit = {.tv_nsec = WAIT_MS * 1000000L};
	fd_set in;

	FD_ZERO(&in);
	FD_SET(listener, &in);
	if (pselect(listener + 1, &in, NULL, NULL, &limit, NULL) == 1)
		serve_one();
	else
		say_nothing_came();
}

static void arm(int operation)
{
	struct epoll_event event = {.events = EPOLLIN | epoll_events, .data.ptr = &listener};

	epoll_ctl(epoll_fd, operation, listener, &event);
}

static void take_event(int count, const struct epoll_event *event)
{
	struct pollfd request = {.fd = listener, .events = POLLIN};

	if (count < 1) {
		say_nothing_came();
		return;
	}
	if (count > 1 || event->data.ptr != &listener)
		end("another event");
	do
		serve_one();
	while (epoll_events & EPOLLET && poll(&request, 1, 0) == 1);
	if (epoll_events & EPOLLONESHOT)
		arm(EPOLL_CTL_MOD);
}

static void by_epoll(void)
{
	struct epoll_event events[4];

	take_event(epoll_wait(epoll_fd, events, 4, WAIT_MS), events);
}

static void by_epoll_pwait2(void)
{
	const struct timespec limit = {.tv_nsec = WAIT_MS * 1000000L};
	struct epoll_event events[4];

	take_event(epoll_pwait2(epoll_fd, events, 4, &limit, NULL), events);
}

/* The set is itself in a set. */
static void by_nested_epoll(void)
{
	struct epoll_event event;

	if (epoll_wait(outer_fd, &event, 1, -1) == 1)
		take_event(epoll_wait(epoll_fd, &event, 1, 0), &event);
}

static void on_tick(int sig)
{
	(void)sig;
}

static void tick(void)
{
	const struct itimerval every = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};
	const struct sigaction restarts = {.sa_handler = on_tick, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &restarts, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

/* After this one accept() would not go on. It never comes. */
static void expect_another_signal(void)
{
	const struct sigaction interrupts = {.sa_handler = on_tick};

	sigaction(SIGWINCH, &interrupts, NULL);
}

static void by_restarting_accept(void)
{
	static bool is_ticking;

	if (!is_ticking)
		tick();
	is_ticking = true;
	by_polled_connection();
}

static void by_ticking_accept(void)
{
	static bool is_expecting;

	if (!is_expecting)
		expect_another_signal();
	is_expecting = true;
	by_restarting_accept();
}

static void by_ticking_poll(void)
{
	static bool is_ticking;

	if (!is_ticking)
		tick();
	is_ticking = true;
	by_poll();
}

static pthread_barrier_t all_told;

/* All threads are told of the second connection. All but one sleep in accept() then. */
static void *run_herd(void *unused)
{
	struct pollfd request = {.fd = listener, .events = POLLIN};

	(void)unused;
	poll(&request, 1, -1);
	pthread_barrier_wait(&all_told);
	for (;;)
		serve_one();
	return NULL;
}

static void *run_thread(void *unused)
{
	(void)unused;
	for (;;)
		by_poll();
	return NULL;
}

static void start_threads(void *(*run)(void *))
{
	pthread_t thread;

	for (int i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, run, NULL);
	run(NULL);
}

static void by_threads(void)
{
	start_threads(run_thread);
}

static void by_herd(void)
{
	serve_one();
	pthread_barrier_init(&all_told, NULL, THREADS);
	start_threads(run_herd);
}

/* Told once, it does something else first. It is told again. */
static void by_second_poll(void)
{
	struct pollfd request = {.fd = listener, .events = POLLIN};

	if (poll(&request, 1, WAIT_MS) == 1 && poll(&request, 1, -1) == 1)
		serve_one();
}

static void by_second_select(void)
{
	struct pollfd request = {.fd = listener, .events = POLLIN};
	fd_set in;

	FD_ZERO(&in);
	FD_SET(listener, &in);
	if (poll(&request, 1, WAIT_MS) == 1 && select(listener + 1, &in, NULL, NULL, NULL) == 1)
		serve_one();
}

static void by_second_epoll(void)
{
	struct epoll_event event;

	if (epoll_wait(epoll_fd, &event, 1, WAIT_MS) == 1)
		take_event(epoll_wait(epoll_fd, &event, 1, -1), &event);
}

/* Told of a connection, it waits for the `gate`, if there is one, before it accepts. */
static void by_gate(void)
{
	struct pollfd request = {.fd = listener, .events = POLLIN};
	int gate;
	char byte;

	if (poll(&request, 1, -1) != 1)
		return;
	if (access("gate", F_OK) == 0) {
		fputs("at the gate\n", stderr);
		gate = open("gate", O_RDONLY | O_CLOEXEC);
		if (read(gate, &byte, 1) != 1)
			end("no gate");
		close(gate);
	}
	serve_one();
}

/* This process is told, and starts another one that accepts. */
static void by_child(void)
{
	struct pollfd request = {.fd = listener, .events = POLLIN};
	pid_t child;

	if (poll(&request, 1, -1) != 1)
		return;
	child = fork();
	if (child == 0) {
		serve_one();
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static const struct {
	const char *name;
	void (*step)(void);
	uint32_t epoll_events;
} ways[] = {
	{"accept", by_accept, 0},
	{"polled_connection", by_polled_connection, 0},
	{"limited_accept", by_limited_accept, 0},
	{"accept4", by_accept4, 0},
	{"poll", by_poll, 0},
	{"ppoll", by_ppoll, 0},
	{"select", by_select, 0},
	{"pselect", by_pselect, 0},
	{"epoll", by_epoll, 0},
	{"epoll_pwait2", by_epoll_pwait2, 0},
	{"edge", by_epoll, EPOLLET},
	{"oneshot", by_epoll, EPOLLONESHOT},
	{"exclusive", by_epoll, EPOLLEXCLUSIVE},
	{"nested", by_nested_epoll, 0},
	{"second_poll", by_second_poll, 0},
	{"second_select", by_second_select, 0},
	{"second_epoll", by_second_epoll, 0},
	{"gate", by_gate, 0},
	{"child", by_child, 0},
	{"ticking_accept", by_ticking_accept, 0},
	{"ticking_poll", by_ticking_poll, 0},
	{"restarting_accept", by_restarting_accept, 0},
	{"threads", by_threads, 0},
	{"herd", by_herd, 0},
};

static void prepare(const char *way)
{
	const struct timeval limit = {.tv_usec = LIMIT_MS * 1000};
	struct epoll_event event = {.events = EPOLLIN};

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	outer_fd = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(outer_fd, EPOLL_CTL_ADD, epoll_fd, &event);
	arm(EPOLL_CTL_ADD);
	if (strcmp(way, "limited_accept") == 0)
		setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;
	size_t i = 0;

	signal(SIGPIPE, SIG_IGN);
	server_options_parse(argc, argv, &options);
	while (options.argument && i < sizeof(ways) / sizeof(*ways) &&
	       strcmp(ways[i].name, options.argument) != 0)
		i++;
	if (!options.argument || i == sizeof(ways) / sizeof(*ways))
		end("no such way");
	listeners_open(&options, false, &listeners);
	listener = listeners.fds[0];
	epoll_events = ways[i].epoll_events;
	prepare(ways[i].name);
	for (;;)
		ways[i].step();
}
