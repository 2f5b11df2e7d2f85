/* SPDX-License-Identifier: MIT */
#include "own_signals.h"

#include "signal_words.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_t main_thread;

static void by_raise(int sig)
{
	raise(sig);
}

static void by_kill(int sig)
{
	kill(getpid(), sig);
}

/* The server leads a process group of its own. */
static void by_group(int sig)
{
	kill(0, sig);
}

static void by_queue(int sig)
{
	sigqueue(getpid(), sig, (union sigval){.sival_int = 7});
}

static void by_tkill(int sig)
{
	pthread_kill(main_thread, sig);
}

static void by_timer(int sig)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig};
	const struct itimerspec soon = {.it_value = {0, 1}};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
	    timer_settime(timer, 0, &soon, NULL) != 0)
		exit(3);
}

static const struct way {
	const char *word;
	void (*send)(int sig);
	bool is_at_once;
} ways[] = {
	{"raise", by_raise, true},  {"itself", by_kill, true},  {"kill", by_kill, false},
	{"group", by_group, false}, {"queue", by_queue, false}, {"tkill", by_tkill, false},
	{"timer", by_timer, false},
};

static struct {
	const struct way *way;
	int sig;
} later;

static void read_call(char *ret_text, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)getpid());
	file = fopen(path, "re");
	if (!file || !fgets(ret_text, (int)size, file))
		exit(3);
	fclose(file);
}

/* Two looks must agree, or it is only writing a line. */
static void wait_until_main_sleeps(void)
{
	const struct timespec moment = {0, 20000000};
	char before[256] = "", now[256];

	for (;;) {
		read_call(now, sizeof(now));
		if (strncmp(now, "running", 7) != 0 && strcmp(now, before) == 0)
			return;
		memcpy(before, now, sizeof(before));
		nanosleep(&moment, NULL);
	}
}

static void *send_later(void *unused)
{
	(void)unused;
	wait_until_main_sleeps();
	later.way->send(later.sig);
	return NULL;
}

static const struct way *find_way(const char *word)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].word, word) == 0)
			return &ways[i];
	}
	fprintf(stderr, "unknown way: %s\n", word);
	exit(2);
}

/* The thread blocks all signals, so that the main thread gets what the process gets. */
void own_signal_send(char *argument)
{
	char *rest = NULL;
	const struct way *way = find_way(strtok_r(argument, ":", &rest));
	const int sig = signal_parse(rest);
	sigset_t all, before;
	pthread_t thread;

	if (way->is_at_once) {
		way->send(sig);
		return;
	}
	later.way = way;
	later.sig = sig;
	main_thread = pthread_self();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, send_later, NULL) != 0)
		exit(3);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
