/* SPDX-License-Identifier: MIT */
/* What a preloaded library costs a program that does nothing: the time that /bin/true takes with it,
 * as a ratio of the time with an empty library. One of each in turn, so that whatever else the
 * machine does hits both. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "clock.h"

enum { BLOCKS = 15, PAIRS = 60 };

/* How long /bin/true takes with SETTING, `LD_PRELOAD=...`, as its whole environment. */
static double run_us(char *setting)
{
	char *argv[] = {"true", NULL};
	char *envp[] = {setting, NULL};
	double begun = now_ms();
	int status;
	pid_t pid;

	errno = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp);
	if (errno || waitpid(pid, &status, 0) != pid || status != 0) {
		perror("start_cost: /bin/true");
		exit(EXIT_FAILURE);
	}
	return (now_ms() - begun) * 1e3;
}

static int compare_doubles(const void *left, const void *right)
{
	double l = *(const double *)left;
	double r = *(const double *)right;

	return (l > r) - (l < r);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[count / 2];
}

/* The ratio of the medians of one block. */
static double measure_block(char *with, char *without, double *ret_more_us)
{
	double times[2][PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		for (int j = 0; j < 2; j++) {
			int which = (i + j) % 2;
			times[which][i] = run_us(which ? with : without);
		}
	}
	double of_without = median(times[0], PAIRS);
	double of_with = median(times[1], PAIRS);
	*ret_more_us = of_with - of_without;
	return of_with / of_without;
}

int main(int argc, char **argv)
{
	char with[4096], without[4096];
	double ratios[BLOCKS], more_us[BLOCKS];

	if (argc != 4) {
		fputs("usage: start_cost LIBRARY EMPTY-LIBRARY DESCRIPTOR-LIMIT\n", stderr);
		return 2;
	}
	struct rlimit limit = {(rlim_t)atol(argv[3]), (rlim_t)atol(argv[3])};
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		perror("start_cost: setrlimit");
		return EXIT_FAILURE;
	}
	snprintf(with, sizeof(with), "LD_PRELOAD=%s", argv[1]);
	snprintf(without, sizeof(without), "LD_PRELOAD=%s", argv[2]);
	for (int i = 0; i < BLOCKS; i++)
		ratios[i] = measure_block(with, without, &more_us[i]);
	double middle = median(ratios, BLOCKS);
	printf("%.3f %.3f %.3f %.0f\n", middle, ratios[0], ratios[BLOCKS - 1],
	       median(more_us, BLOCKS));
	return EXIT_SUCCESS;
}
