/* SPDX-License-Identifier: MIT */
/* A program two of whose threads make the first wrapped calls of the process at once, in RUNS processes.
 * Usage: first_calls RUNS. How far apart the calls come grows from run to run, up to what it takes to resolve
 * the table of the real functions, and begins anew. Prints how many runs ended by a signal. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_NS = 70000 };

extern char **environ;

static _Atomic int is_there, is_time;
static int turn, apart_ns;

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* Both threads on one processor would take turns. */
static void take_processor(int nth)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all) && nth-- == 0)
			CPU_SET(i, &one);
	}
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static void *call_second(void *unused)
{
	long end;

	take_processor(1);
	atomic_store(&is_there, 1);
	while (!atomic_load(&is_time))
		;
	end = now_ns() + apart_ns;
	while (now_ns() < end)
		;
	if (turn % 3 == 0)
		(void)remove("/nonexistent");
	else if (turn % 3 == 1)
		(void)!system(NULL);
	else
		(void)sleep(0);
	return unused;
}

static int call_at_once(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, call_second, NULL) != 0)
		return 2;
	while (!atomic_load(&is_there))
		(void)sched_yield();
	take_processor(0);
	atomic_store(&is_time, 1);
	(void)kill(getpid(), 0);
	(void)pthread_join(thread, NULL);
	return 0;
}

static int run_many(const char *self, int runs)
{
	int crashes = 0;

	for (int i = 0; i < runs; i++) {
		char number[16];
		char *argv[] = {(char *)self, "turn", number, NULL};
		int status;
		pid_t child;

		(void)snprintf(number, sizeof(number), "%d", i);
		if (posix_spawn(&child, self, NULL, NULL, argv, environ) != 0 ||
		    waitpid(child, &status, 0) != child)
			return 2;
		crashes += status != 0;
	}
	printf("%d of %d runs crashed\n", crashes, runs);
	return crashes != 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return run_many("/proc/self/exe", atoi(argv[1]));
	if (argc != 3 || strcmp(argv[1], "turn") != 0)
		return 2;
	turn = atoi(argv[2]);
	apart_ns = (int)(turn * 613L % LONGEST_NS);
	return call_at_once();
}
