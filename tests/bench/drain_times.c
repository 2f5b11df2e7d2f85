/* SPDX-License-Identifier: MIT */
/* Stops a server that has open connections, each in the middle of a request, closes them and tells how
 * long after the last of them the server was gone, and what processor time it took from its signal to its
 * end. For comparison: the same with a server that gets no signal until they are closed.
 * Or the connections are idle, and the server ends them: then it is the time from the signal on. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

enum { PATIENCE_MS = 20000, SPARE_FDS = 64 };

static const char request[] = "GET /ping HTTP/1.1\r\nHost: bench\r\n\r\n";

static struct {
	pid_t pid;
	struct sockaddr_in address;
	int *fds;
	int count;
	int hold_ms;
	bool is_shuffled;
	bool is_bare;
	bool is_idle;
} run;

static void die(const char *what)
{
	fprintf(stderr, "drain_times: %s (%s)\n", what, strerror(errno));
	if (run.pid > 0)
		kill(run.pid, SIGKILL);
	exit(EXIT_FAILURE);
}

static void on_stop(int sig)
{
	(void)sig;
	if (run.pid > 0)
		kill(run.pid, SIGKILL);
	_exit(EXIT_FAILURE);
}

static void start(char **argv)
{
	run.pid = fork();
	if (run.pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
}

static int connect_once(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		die("socket");
	if (connect(fd, (struct sockaddr *)&run.address, sizeof(run.address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void send_bytes(int fd, size_t length)
{
	if (write(fd, request, length) != (ssize_t)length)
		die("write");
}

/* The server has accepted it, and owes it an answer if it is not to be idle. */
static void use(int fd)
{
	char answer[1024];

	send_bytes(fd, strlen(request));
	if (read(fd, answer, sizeof(answer)) <= 0)
		die("no answer");
	if (!run.is_idle)
		send_bytes(fd, strlen(request) / 2);
}

static void connect_all(void)
{
	double begun = now_ms();

	for (int i = 0; i < run.count; i++) {
		while ((run.fds[i] = connect_once()) == -1) {
			if (now_ms() - begun > PATIENCE_MS)
				die("connect");
			usleep(1000);
		}
		use(run.fds[i]);
	}
}

/* So that they are not closed in the order of the server's descriptors. */
static void shuffle(void)
{
	for (int i = run.count - 1; i > 0; i--) {
		int j = rand() % (i + 1);
		int fd = run.fds[i];
		run.fds[i] = run.fds[j];
		run.fds[j] = fd;
	}
}

static double close_all(void)
{
	if (run.is_shuffled)
		shuffle();
	for (int i = 0; i < run.count; i++)
		close(run.fds[i]);
	return now_ms();
}

/* The server has ended each of them, and lost none. */
static void expect_ends(void)
{
	char byte;

	for (int i = 0; i < run.count; i++) {
		ssize_t got = recv(run.fds[i], &byte, 1, MSG_DONTWAIT);
		if (got > 0)
			errno = EPROTO;
		if (got != 0)
			die("a connection did not end cleanly");
	}
}

static double cpu_ms(void)
{
	clockid_t clock;

	if (clock_getcpuclockid(run.pid, &clock) != 0)
		die("the server has ended");
	return (double)clock_ns(clock) / 1e6;
}

/* Returns when the server was gone. */
static double follow(double *ret_cpu_ms)
{
	struct rusage usage;
	int status;
	pid_t got = wait4(run.pid, &status, 0, &usage);
	double gone = now_ms();

	if (got != run.pid)
		die("wait4");
	if (!run.is_bare && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		die("the server did not end well");
	*ret_cpu_ms = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
	              (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
	run.pid = 0;
	return gone;
}

static void measure(char **argv)
{
	double cpu_end;

	start(argv);
	connect_all();
	double cpu_begun = cpu_ms();
	if (!run.is_bare)
		kill(run.pid, SIGTERM);
	/* Not always at the same moment of whatever goes by the clock. */
	usleep((useconds_t)run.hold_ms * 1000 + (useconds_t)(rand() % 20000));
	double closed = close_all();
	if (run.is_bare) {
		usleep(300000);
		kill(run.pid, SIGTERM);
	}
	double gone = follow(&cpu_end);
	printf("%.3f %.3f\n", gone - closed, cpu_end - cpu_begun);
}

static void measure_idle(char **argv)
{
	double cpu_end;

	start(argv);
	connect_all();
	double cpu_begun = cpu_ms();
	double begun = now_ms();
	kill(run.pid, SIGTERM);
	double gone = follow(&cpu_end);
	expect_ends();
	close_all();
	printf("%.3f %.3f\n", gone - begun, cpu_end - cpu_begun);
}

static void allow_fds(void)
{
	struct rlimit limit = {(rlim_t)run.count + SPARE_FDS, (rlim_t)run.count + SPARE_FDS};
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur >= limit.rlim_cur)
		return;
	if (now.rlim_max > limit.rlim_max)
		limit.rlim_max = now.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("setrlimit");
}

int main(int argc, char **argv)
{
	int rounds = 1, letter;

	while ((letter = getopt(argc, argv, "+n:h:r:sbi")) != -1) {
		switch (letter) {
		case 'n':
			run.count = atoi(optarg);
			break;
		case 'h':
			run.hold_ms = atoi(optarg);
			break;
		case 'r':
			rounds = atoi(optarg);
			break;
		case 's':
			run.is_shuffled = true;
			break;
		case 'b':
			run.is_bare = true;
			break;
		case 'i':
			run.is_idle = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind < 2 || run.count < 1) {
		fputs("usage: drain_times -n CONNECTIONS [-h HOLD_MS] [-r ROUNDS] [-s] [-b] [-i] "
		      "PORT SERVER...\n",
		      stderr);
		return 2;
	}
	run.fds = calloc((size_t)run.count, sizeof(*run.fds));
	run.address.sin_family = AF_INET;
	run.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	run.address.sin_port = htons((uint16_t)atoi(argv[optind]));
	signal(SIGTERM, on_stop);
	signal(SIGINT, on_stop);
	allow_fds();
	for (int round = 0; round < rounds; round++)
		(run.is_idle ? measure_idle : measure)(argv + optind + 1);
	free(run.fds);
	return EXIT_SUCCESS;
}
