/* SPDX-License-Identifier: MIT */
/* Ends in its own way. At TERM or QUIT, which it gets by sigwait(), it sets a flag and wakes its accepting
 * threads; these report what accept() has said, and end. Then it saves its state and exits with 7. Words:
 *   accept timed accept4 poll select epoll   how a thread waits on the first listener; the last three do
 *                        not block in accept(), but after `blocking`
 *   shutdown shutdown_rd connect cancel dup_shutdown   how it is woken; the last is by another
 *                        descriptor of the listener
 *   to=ADDRESS           where to connect; without it the listener's own name
 *   late                 sigwait() is called only when a signal waits for it */
#include "conversation.h"
#include "listeners.h"
#include "signal_words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { EXIT_OWN = 7, THREADS = 2 };

static struct listeners listeners;
static int listener_fd, dup_fd, epoll_fd;
static const char *how = "shutdown", *target;
static bool blocks = true, is_late;
static _Atomic bool is_stopping;

static void report(const char *what, const char *result)
{
	struct report_line line;

	report_begin(&line);
	report_add(&line, what);
	report_add(&line, result);
	report_end(&line);
}

static const char *peer_text(const struct sockaddr_storage *address, char *text, socklen_t size)
{
	if (address->ss_family == AF_INET)
		return inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text,
		                 size);
	if (address->ss_family == AF_INET6)
		return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text,
		                 size);
	return address->ss_family == AF_UNIX ? "unix" : "?";
}

static int wait_in_accept(struct sockaddr_storage *peer)
{
	socklen_t length = sizeof(*peer);

	return accept(listener_fd, (struct sockaddr *)peer, &length);
}

static int wait_in_accept4(struct sockaddr_storage *peer)
{
	socklen_t length = sizeof(*peer);

	return accept4(listener_fd, (struct sockaddr *)peer, &length, SOCK_CLOEXEC);
}

static int wait_in_poll(struct sockaddr_storage *peer)
{
	poll(&(struct pollfd){.fd = listener_fd, .events = POLLIN}, 1, -1);
	return wait_in_accept(peer);
}

static int wait_in_select(struct sockaddr_storage *peer)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(listener_fd, &in);
	select(listener_fd + 1, &in, NULL, NULL, NULL);
	return wait_in_accept(peer);
}

static int wait_in_epoll(struct sockaddr_storage *peer)
{
	struct epoll_event event;

	epoll_wait(epoll_fd, &event, 1, -1);
	return wait_in_accept(peer);
}

static const struct {
	const char *name;
	int (*wait)(struct sockaddr_storage *peer);
	bool polls;
} ways[] = {
	{"accept", wait_in_accept, false},   {"timed", wait_in_accept, false},
	{"accept4", wait_in_accept4, false}, {"poll", wait_in_poll, true},
	{"select", wait_in_select, true},    {"epoll", wait_in_epoll, true},
};
static size_t way;

static void *run(void *unused)
{
	(void)unused;
	for (;;) {
		struct sockaddr_storage peer = {0};
		char text[INET6_ADDRSTRLEN];
		const int fd = ways[way].wait(&peer);

		if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED))
			continue;
		if (fd >= 0 && !atomic_load(&is_stopping)) {
			conversation_serve_fd(fd, true);
			continue;
		}
		if (fd >= 0)
			report("accept: from ", peer_text(&peer, text, sizeof(text)));
		else
			report("accept: ", strerrorname_np(errno));
		return NULL;
	}
}

static void connect_to_self(void)
{
	struct sockaddr_storage name;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&name;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&name;
	socklen_t length = sizeof(name);
	int fd;

	getsockname(listener_fd, (struct sockaddr *)&name, &length);
	if (target && strchr(target, ':')) {
		const in_port_t port = v6->sin6_port;

		length = sizeof(*v6);
		*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
		inet_pton(AF_INET6, target, &v6->sin6_addr);
	} else if (target) {
		const in_port_t port = v4->sin_port;

		length = sizeof(*v4);
		*v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
		inet_pton(AF_INET, target, &v4->sin_addr);
	}
	fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&name, length) != 0)
		report("connect: ", strerrorname_np(errno));
}

static void wake(pthread_t thread)
{
	if (strcmp(how, "shutdown") == 0)
		shutdown(listener_fd, SHUT_RDWR);
	else if (strcmp(how, "shutdown_rd") == 0)
		shutdown(listener_fd, SHUT_RD);
	else if (strcmp(how, "dup_shutdown") == 0)
		shutdown(dup_fd, SHUT_RDWR);
	else if (strcmp(how, "connect") == 0)
		connect_to_self();
	else
		pthread_cancel(thread);
}

static void prepare(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	const struct timeval limit = {600, 0};

	listener_fd = listeners.fds[0];
	dup_fd = fcntl(listener_fd, F_DUPFD_CLOEXEC, 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (dup_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener_fd, &event) != 0)
		exit(3);
	if (strcmp(ways[way].name, "timed") == 0)
		setsockopt(listener_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (ways[way].polls && !blocks)
		fcntl(listener_fd, F_SETFL, O_NONBLOCK | O_RDWR);
}

static void parse_word(const char *word)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, word) == 0) {
			way = i;
			blocks = !ways[i].polls;
			return;
		}
	}
	if (strncmp(word, "to=", 3) == 0)
		target = word + 3;
	else if (strcmp(word, "blocking") == 0)
		blocks = true;
	else if (strcmp(word, "late") == 0)
		is_late = true;
	else
		how = word;
}

static void wait_until_pending(void)
{
	sigset_t pending;

	do {
		usleep(1000);
		sigpending(&pending);
	} while (!sigismember(&pending, SIGTERM) && !sigismember(&pending, SIGQUIT));
}

int main(int argc, char **argv)
{
	struct server_options options;
	pthread_t threads[THREADS];
	sigset_t set;
	int sig, count;

	server_options_parse(argc, argv, &options);
	for (int i = optind; i < argc; i++)
		parse_word(argv[i]);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	listeners_open(&options, false, &listeners);
	prepare();
	/* Two that poll may both be woken by one connection. */
	count = ways[way].polls ? 1 : THREADS;
	for (int i = 0; i < count; i++) {
		if (pthread_create(&threads[i], NULL, run, NULL) != 0)
			return 3;
	}
	if (is_late)
		wait_until_pending();
	sigwait(&set, &sig);
	atomic_store(&is_stopping, true);
	for (int i = 0; i < count; i++)
		wake(threads[i]);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	report("state saved", "");
	return EXIT_OWN;
}
