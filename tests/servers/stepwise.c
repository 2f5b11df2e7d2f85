/* SPDX-License-Identifier: MIT */
/* Opens its ports one after another, in the order of the words of its command line, and waits for
 * clients on each in the way that they say. A listener is the last one that was bound.
 *   bind=PORT   binds a socket on 127.0.0.1
 *   listen      listens on it; ask: only if SO_ACCEPTCONN says that it does not listen yet
 *   thread      a thread accepts on it for ever; poll: this thread polls it for ever
 *   set         makes an epoll set; outer: makes one more, and adds the set to it
 *   sleeper     a thread waits on the last set for ever, and serves; the next word comes when it sleeps
 *   add         adds the listener to the first set
 *   busy        a thread waits 1,000 times a second for something else
 *   hidden      the process becomes undumpable, so that /proc does not tell what its threads do
 *   fork        two children go on with the words, and this process waits for signals
 *   daemon      a child in a session of its own writes its pid to server.pid and goes on with them, and
 *               this process ends
 *   ready       says `ready PORT PID`, with the port that was bound last
 *   wait=FILE   waits until FILE exists
 * After the last word this thread sleeps. */
#include "conversation.h"
#include "identity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 1024, WORKERS = 2 };

static int listener = -1, port, first_set = -1, last_set = -1;
static _Atomic pid_t sleeper;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void start_thread(void *(*run)(void *), int fd)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, run, (void *)(intptr_t)fd);
	if (errno)
		die("pthread_create");
}

static void pause_ms(int ms)
{
	const struct timespec time = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&time, NULL);
}

static void serve_one(int fd)
{
	int connection = accept(fd, NULL, NULL);

	if (connection != -1)
		conversation_serve_fd(connection, true);
	else if (errno != EAGAIN && errno != ECONNABORTED && errno != EINVAL)
		die("accept"); /* EINVAL: it does not listen yet */
}

static void *serve_by_accept(void *fd)
{
	for (;;)
		serve_one((int)(intptr_t)fd);
	return NULL;
}

static void serve_by_poll(int fd)
{
	for (;;) {
		struct pollfd request = {fd, POLLIN, 0};

		if (poll(&request, 1, -1) == 1)
			serve_one(fd);
	}
}

static void *sleep_on(void *set)
{
	atomic_store(&sleeper, gettid());
	for (;;) {
		struct epoll_event event;

		if (epoll_wait((int)(intptr_t)set, &event, 1, -1) == 1)
			serve_one(listener);
	}
	return NULL;
}

/* The state is behind the name, which is in parentheses (proc(5)). */
static bool sleeps(pid_t tid)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	FILE *file = fopen(path, "r");

	if (!file || !fgets(text, sizeof(text), file))
		die(path);
	fclose(file);
	return strstr(text, ") S ");
}

static void start_sleeper(void)
{
	atomic_store(&sleeper, 0);
	start_thread(sleep_on, last_set);
	while (atomic_load(&sleeper) == 0 || !sleeps(atomic_load(&sleeper)))
		pause_ms(1);
}

static void *be_busy(void *unused)
{
	int fds[2];

	(void)unused;
	if (pipe(fds) != 0)
		die("pipe");
	for (;;) {
		struct pollfd request = {fds[0], POLLIN, 0};

		poll(&request, 1, 1);
	}
	return NULL;
}

static void bind_to(const char *number)
{
	const int on = 1;
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	port = atoi(number);
	address.sin_port = htons((in_port_t)port);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener == -1)
		die("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (void *)&address, sizeof(address)) == -1)
		die("bind");
}

static void ask_and_listen(void)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1)
		die("getsockopt");
	if (!listens && listen(listener, BACKLOG) == -1)
		die("listen");
}

static void add(int set, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == -1)
		die("epoll_ctl");
}

static void make_set(void)
{
	last_set = epoll_create1(EPOLL_CLOEXEC);
	if (last_set == -1)
		die("epoll_create1");
	if (first_set == -1)
		first_set = last_set;
	else
		add(last_set, first_set);
}

static void fork_workers(void)
{
	for (int i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		if (pid == -1)
			die("fork");
		if (pid == 0) {
			identity_set_pid();
			return;
		}
	}
	for (;;)
		pause();
}

static void become_daemon(void)
{
	pid_t pid = fork();

	if (pid == -1)
		die("fork");
	if (pid > 0)
		_exit(0);
	setsid();
	identity_set_pid();
	FILE *file = fopen("server.pid", "w");
	if (!file || fprintf(file, "%d\n", identity_pid()) < 0 || fclose(file) != 0)
		die("server.pid");
}

static void wait_for(const char *path)
{
	while (access(path, F_OK) != 0)
		pause_ms(5);
}

static const char *value_of(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static void take_word(const char *word)
{
	if (value_of(word, "bind"))
		bind_to(value_of(word, "bind"));
	else if (value_of(word, "wait"))
		wait_for(value_of(word, "wait"));
	else if (!strcmp(word, "listen") && listen(listener, BACKLOG) == -1)
		die("listen");
	else if (!strcmp(word, "ask"))
		ask_and_listen();
	else if (!strcmp(word, "thread"))
		start_thread(serve_by_accept, listener);
	else if (!strcmp(word, "poll"))
		serve_by_poll(listener);
	else if (!strcmp(word, "set") || !strcmp(word, "outer"))
		make_set();
	else if (!strcmp(word, "sleeper"))
		start_sleeper();
	else if (!strcmp(word, "add"))
		add(first_set, listener);
	else if (!strcmp(word, "busy"))
		start_thread(be_busy, -1);
	else if (!strcmp(word, "hidden"))
		prctl(PR_SET_DUMPABLE, 0);
	else if (!strcmp(word, "fork"))
		fork_workers();
	else if (!strcmp(word, "daemon"))
		become_daemon();
	else if (!strcmp(word, "ready"))
		printf("ready %d %d\n", port, identity_pid());
	fflush(stdout);
}

int main(int argc, char **argv)
{
	identity_set_pid();
	for (int i = 1; i < argc; i++)
		take_word(argv[i]);
	for (;;)
		pause();
}
