/* SPDX-License-Identifier: MIT */
/* Runs a command, whose output goes to stderr, and prints the processor time (user and system, all
 * threads) that some processes took meanwhile, that of the command itself, and the time that went by. In
 * nanoseconds: /proc/PID/stat counts in ticks of 10 ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* Of all processes up to the one that is called "--". */
static int64_t used_ns(char **pids)
{
	int64_t sum = 0;

	for (; strcmp(*pids, "--") != 0; pids++) {
		clockid_t clock;
		if (clock_getcpuclockid(atoi(*pids), &clock) != 0)
			die(*pids);
		sum += clock_ns(clock);
	}
	return sum;
}

static int64_t to_ns(const struct timeval *time)
{
	return time->tv_sec * 1000000000LL + time->tv_usec * 1000LL;
}

static void run(char **command, struct rusage *ret_usage)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(command[0], command);
		_exit(127);
	}
	if (pid == -1 || wait4(pid, &status, 0, ret_usage) != pid)
		die(command[0]);
	if (status != 0)
		exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int dashes = 1;

	while (dashes < argc && strcmp(argv[dashes], "--") != 0)
		dashes++;
	if (dashes + 1 >= argc) {
		fputs("usage: cpu_time PID... -- COMMAND...\n", stderr);
		return 2;
	}
	int64_t used = used_ns(argv + 1);
	int64_t begun = clock_ns(CLOCK_MONOTONIC);
	run(argv + dashes + 1, &usage);
	int64_t elapsed = clock_ns(CLOCK_MONOTONIC) - begun;
	used = used_ns(argv + 1) - used;
	printf("%lld %lld %lld\n", (long long)used,
	       (long long)(to_ns(&usage.ru_utime) + to_ns(&usage.ru_stime)), (long long)elapsed);
	return EXIT_SUCCESS;
}
