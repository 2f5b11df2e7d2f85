/* SPDX-License-Identifier: MIT */
/* How long after its signal the successor of a server runs, with little memory in use and with much,
 * and how long the server's own threads stood still meanwhile. By turns. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "clock.h"
#include "resident.h"

/* To fill gigabytes takes a virtual machine seconds. */
enum { KINDS = 2, PATIENCE_MS = 60000, WARM_UP_US = 20000 };

static struct {
	pid_t pid;
	struct resident *shared;
	char path[4096];
} servers[KINDS];

static void die(const char *what)
{
	fprintf(stderr, "spawn_times: %s\n", what);
	for (int i = 0; i < KINDS; i++) {
		if (servers[i].pid > 0)
			kill(servers[i].pid, SIGKILL);
	}
	exit(EXIT_FAILURE);
}

static void on_stop(int sig)
{
	(void)sig;
	for (int i = 0; i < KINDS; i++) {
		if (servers[i].pid > 0)
			kill(servers[i].pid, SIGKILL);
	}
	_exit(EXIT_FAILURE);
}

static void wait_until_ready(struct resident *shared)
{
	double begun = now_ms();

	while (!atomic_load(&shared->is_ready)) {
		if (now_ms() - begun > PATIENCE_MS)
			die("a server does not come up");
		usleep(100);
	}
}

static void start(int kind, const char *program, const char *mib, int port)
{
	char port_text[16];

	unlink(servers[kind].path);
	servers[kind].shared = resident_open(servers[kind].path);
	if (!servers[kind].shared)
		die("no file to share");
	atomic_store(&servers[kind].shared->grow, 1);
	snprintf(port_text, sizeof(port_text), "%d", port);
	servers[kind].pid = fork();
	if (servers[kind].pid == 0) {
		setenv("LD_PRELOAD", getenv("BENCH_PRELOAD"), 1);
		execl(program, program, servers[kind].path, mib, port_text, (char *)NULL);
		_exit(127);
	}
	wait_until_ready(servers[kind].shared);
}

/* The server serves on beside its successor (USR2), which is ended then, for the next round. */
static void measure(int kind)
{
	struct resident *shared = servers[kind].shared;

	atomic_store(&shared->executed_ns, 0);
	atomic_store(&shared->is_ready, 0);
	atomic_store(&shared->spin, 1);
	usleep(WARM_UP_US);
	atomic_store(&shared->gap_ns, 0);
	int64_t begun = clock_ns(CLOCK_MONOTONIC);
	if (kill(servers[kind].pid, SIGUSR2) != 0)
		die("the server has ended");
	while (!atomic_load(&shared->executed_ns)) {
		if (clock_ns(CLOCK_MONOTONIC) - begun > PATIENCE_MS * 1000000LL)
			die("no successor comes");
		usleep(50);
	}
	double gap = (double)atomic_load(&shared->gap_ns) / 1e6;
	atomic_store(&shared->spin, 0);
	printf("%.3f %.3f%c", (double)(atomic_load(&shared->executed_ns) - begun) / 1e6, gap,
	       kind == KINDS - 1 ? '\n' : ' ');
	fflush(stdout);
	wait_until_ready(shared);
	usleep(WARM_UP_US);
	pid_t successor = atomic_load(&shared->pid);
	kill(successor, SIGTERM);
	while (waitpid(successor, NULL, 0) == -1 && errno == EINTR)
		;
}

int main(int argc, char **argv)
{
	if (argc != 6 || !getenv("BENCH_PRELOAD")) {
		fputs("usage: BENCH_PRELOAD=LIBRARY spawn_times RESIDENT FILE MIB PORT ROUNDS\n",
		      stderr);
		return 2;
	}
	/* A successor whose reaper has gone becomes ours. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	signal(SIGTERM, on_stop);
	signal(SIGINT, on_stop);
	for (int kind = 0; kind < KINDS; kind++) {
		snprintf(servers[kind].path, sizeof(servers[kind].path), "%s.%d", argv[2], kind);
		start(kind, argv[1], kind ? argv[3] : "0", atoi(argv[4]) + kind);
	}
	/* A line has the times of both. */
	for (int round = 0; round < atoi(argv[5]); round++) {
		for (int kind = 0; kind < KINDS; kind++)
			measure(kind);
	}
	for (int kind = 0; kind < KINDS; kind++) {
		kill(servers[kind].pid, SIGTERM);
		waitpid(servers[kind].pid, NULL, 0);
	}
	return EXIT_SUCCESS;
}
