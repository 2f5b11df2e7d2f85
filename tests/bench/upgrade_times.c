/* SPDX-License-Identifier: MIT */
/* Starts a server under the library, upgrades it at even intervals and tells how long after the
 * signal each stage came: the successor executed, ready, the old one gone. With a second command it
 * does no upgrade and starts that one at the same intervals instead: what a machine pays for any
 * server that starts. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

enum { ROUNDS_MAX = 100, PATIENCE_MS = 10000 };

enum stage { STAGE_EXECUTED, STAGE_READY, STAGE_GONE, STAGES };

static const char *const stage_names[STAGES] = {"executed", "ready", "gone"};

static struct {
	int fd; /* the FIFO that is the server's OCTOPUS_LOG */
	char text[8192];
	size_t len;
	pid_t self;
	pid_t leader;
	double times[STAGES][ROUNDS_MAX];
} run;

static void die(const char *what)
{
	fprintf(stderr, "upgrade_times: %s\n", what);
	if (run.leader > 0)
		kill(run.leader, SIGKILL);
	exit(EXIT_FAILURE);
}

/* A generation has a process group of its own: a Ctrl-C that ends the bench does not reach it. A child
 * that is stopped before it executes its program has nothing to do with the server. */
static void on_stop(int sig)
{
	(void)sig;
	if (getpid() == run.self && run.leader > 0)
		kill(run.leader, SIGKILL);
	_exit(EXIT_FAILURE);
}

static void sleep_until(double when_ms)
{
	double rest = when_ms - now_ms();

	if (rest > 0)
		usleep((useconds_t)(rest * 1e3));
}

/* Both streams of the server are of no interest: what counts comes through the log. */
static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null_fd = open("/dev/null", O_RDWR);
		for (int fd = 0; fd < 3; fd++)
			dup2(null_fd, fd);
		signal(SIGTERM, SIG_DFL);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid == -1)
		die(strerror(errno));
	return pid;
}

/* Notes what LINE of the log says happened, MS after the signal. */
static void note_line(const char *line, double ms, double *times)
{
	const char *started = strstr(line, "The server has started (");

	if (strstr(line, "[ERR]"))
		die(line);
	if (strstr(line, "Forked child ("))
		times[STAGE_EXECUTED] = ms;
	if (started) {
		times[STAGE_READY] = ms;
		run.leader = (pid_t)atol(strchr(started, '(') + 1);
	}
}

static void read_log(double begun, double *times)
{
	double ms = now_ms() - begun;
	ssize_t got = read(run.fd, run.text + run.len, sizeof(run.text) - 1 - run.len);
	char *line = run.text, *end;

	if (got > 0)
		run.len += (size_t)got;
	run.text[run.len] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		note_line(line, ms, times);
		line = end + 1;
	}
	run.len -= (size_t)(line - run.text);
	memmove(run.text, line, run.len);
}

/* Reads the log until the server is ready and the process behind GONE_FD (-1: none) has ended. */
static void follow(double begun, int gone_fd, double *times)
{
	struct pollfd fds[] = {{run.fd, POLLIN, 0}, {gone_fd, POLLIN, 0}};

	while (times[STAGE_READY] < 0 || (gone_fd >= 0 && times[STAGE_GONE] < 0)) {
		if (poll(fds, 2, PATIENCE_MS) <= 0)
			die("nothing has happened for 10 s");
		if (fds[1].revents) {
			times[STAGE_GONE] = now_ms() - begun;
			fds[1].fd = -1;
		}
		if (fds[0].revents)
			read_log(begun, times);
	}
}

static void upgrade(int round)
{
	double times[STAGES] = {-1, -1, -1};
	int gone_fd = (int)syscall(SYS_pidfd_open, run.leader, 0);
	double begun = now_ms();

	if (gone_fd == -1 || kill(run.leader, SIGHUP) == -1)
		die("the server has ended");
	follow(begun, gone_fd, times);
	close(gone_fd);
	for (int stage = 0; stage < STAGES; stage++)
		run.times[stage][round] = times[stage];
}

/* Starts one more COPY instead of the last one. */
static void start_copy(char **copy, pid_t *last)
{
	if (*last > 0) {
		kill(*last, SIGTERM);
		waitpid(*last, NULL, 0);
	}
	*last = copy ? start(copy) : 0;
}

static int compare_doubles(const void *left, const void *right)
{
	double l = *(const double *)left;
	double r = *(const double *)right;

	return (l > r) - (l < r);
}

static void print_times(int rounds)
{
	for (int stage = 0; stage < STAGES; stage++) {
		qsort(run.times[stage], (size_t)rounds, sizeof(double), compare_doubles);
		printf("%s %.1f %.1f\n", stage_names[stage], run.times[stage][rounds / 2],
		       run.times[stage][rounds - 1]);
	}
}

static void open_log(const char *path)
{
	/* A server that has dropped root writes to it too. */
	umask(0);
	if (mkfifo(path, 0666) == -1 && errno != EEXIST)
		die(strerror(errno));
	umask(022);
	run.fd = open(path, O_RDWR | O_CLOEXEC);
	if (run.fd == -1)
		die(strerror(errno));
	setenv("OCTOPUS_LOG", path, 1);
}

/* Nobody is left who writes to the FIFO when we go. */
static void stop_server(void)
{
	double times[STAGES] = {[STAGE_READY] = 0, [STAGE_GONE] = -1};
	int gone_fd = (int)syscall(SYS_pidfd_open, run.leader, 0);

	if (gone_fd == -1 || kill(run.leader, SIGTERM) == -1)
		die("the server has ended");
	follow(now_ms(), gone_fd, times);
}

/* Cuts ARGV at "--"; what is behind it is returned, or NULL. */
static char **cut(char **argv)
{
	for (; *argv; argv++) {
		if (strcmp(*argv, "--") == 0) {
			*argv = NULL;
			return argv + 1;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	double first[STAGES] = {-1, -1, -1};
	pid_t last = 0;

	if (argc < 5) {
		fputs("usage: upgrade_times FIFO ROUNDS GAP_MS SERVER... [-- COPY...]\n", stderr);
		return 2;
	}
	int rounds = atoi(argv[2]);
	int gap_ms = atoi(argv[3]);
	char **copy = cut(argv + 4);
	if (rounds < 1 || rounds > ROUNDS_MAX)
		die("from 1 to 100 rounds");
	run.self = getpid();
	signal(SIGTERM, on_stop);
	open_log(argv[1]);
	double begun = now_ms();
	run.leader = start(argv + 4);
	follow(begun, -1, first);
	printf("first_start %.1f\n", first[STAGE_READY]);
	fflush(stdout);
	/* The load starts now, and has a gap of its own at both ends. */
	begun = now_ms();
	for (int round = 0; round < rounds; round++) {
		sleep_until(begun + (double)gap_ms * (round + 1));
		if (copy)
			start_copy(copy, &last);
		else
			upgrade(round);
	}
	sleep_until(begun + (double)gap_ms * (rounds + 3));
	start_copy(NULL, &last);
	stop_server();
	if (!copy)
		print_times(rounds);
	return EXIT_SUCCESS;
}
