/* SPDX-License-Identifier: MIT */
/* A server with the habit of closing "all" descriptors, as daemons do that want to start clean:
 * `closer [-l ADDR:PORT]... HABIT`, where HABIT is `WHEN:HOW`. WHEN is before (it listens), between
 * (its first listener and the others), after, or both (before and after); what it has opened itself is
 * spared. HOW is one of the sweeps below. */
#include "conversation.h"
#include "listeners.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LAST_SWEPT = 1023 };

/* A listener's number is low: it is sparing to begin behind it. */
static void sweep_closefrom(int first)
{
	closefrom(first);
}

static void sweep_close_range(int first)
{
	if (close_range((unsigned)first, ~0U, 0) != 0)
		perror("close_range");
}

static void sweep_close_range_cloexec(int first)
{
	if (close_range((unsigned)first, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		perror("close_range");
}

/* Sloppy ones go by RLIMIT_NOFILE; bounded, so that a large one does not take a minute. */
static void sweep_close_loop(int first)
{
	for (int fd = first; fd <= LAST_SWEPT; fd++)
		(void)close(fd);
}

static void sweep_close_down(int first)
{
	for (int fd = LAST_SWEPT; fd >= first; fd--)
		(void)close(fd);
}

/* The careful closes only what the directory lists. */
static void sweep_directory(int first)
{
	DIR *directory = opendir("/proc/self/fd");
	int fds[LAST_SWEPT + 1];
	int count = 0;

	if (!directory)
		return;
	for (const struct dirent *entry; (entry = readdir(directory)) && count <= LAST_SWEPT;) {
		int fd = atoi(entry->d_name);
		if (fd >= first && fd != dirfd(directory))
			fds[count++] = fd;
	}
	closedir(directory);
	while (count > 0)
		(void)close(fds[--count]);
}

static void sweep_fioclex(int first)
{
	for (int fd = first; fd <= LAST_SWEPT; fd++)
		(void)ioctl(fd, FIOCLEX);
}

static void sweep_cloexec(int first)
{
	for (int fd = first; fd <= LAST_SWEPT; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Fills the upper half with its own, and empties it again. */
static void sweep_dup2(int first)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)first;
	for (int fd = LAST_SWEPT; fd > LAST_SWEPT / 2; fd--) {
		if (dup2(null_fd, fd) != fd)
			perror("dup2");
	}
	for (int fd = LAST_SWEPT; fd > LAST_SWEPT / 2; fd--)
		(void)close(fd);
	(void)close(null_fd);
}

/* One after the other, upwards: whoever makes way is met again. */
static void sweep_dup3(int first)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = first; fd <= LAST_SWEPT; fd++) {
		if (fd == null_fd)
			continue;
		if (dup3(null_fd, fd, O_CLOEXEC) != fd)
			perror("dup3");
		if (close(fd) != 0)
			perror("close");
	}
	(void)close(null_fd);
}

static const struct {
	const char *how;
	void (*sweep)(int first);
} sweeps[] = {
	{"closefrom", sweep_closefrom},
	{"close_range", sweep_close_range},
	{"close_range_cloexec", sweep_close_range_cloexec},
	{"close_loop", sweep_close_loop},
	{"close_down", sweep_close_down},
	{"directory", sweep_directory},
	{"fioclex", sweep_fioclex},
	{"cloexec", sweep_cloexec},
	{"dup2", sweep_dup2},
	{"dup3", sweep_dup3},
};

static void sweep(const char *how, int first)
{
	for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++) {
		if (strcmp(sweeps[i].how, how) == 0) {
			sweeps[i].sweep(first);
			return;
		}
	}
	fprintf(stderr, "closer: no such habit: %s\n", how);
	exit(2);
}

static bool is_when(const char *habit, const char *when)
{
	return strncmp(habit, when, strcspn(habit, ":")) == 0 &&
	       strlen(when) == strcspn(habit, ":");
}

/* Listens at all places, with HOW once the first is there. */
static void listen_with_sweep(const struct server_options *options, const char *how,
                              struct listeners *ret_listeners)
{
	struct server_options first = *options, rest = *options;
	struct listeners others;

	first.place_count = 1;
	listeners_open(&first, false, ret_listeners);
	sweep(how, ret_listeners->fds[0] + 1);
	rest.place_count--;
	memmove(rest.places, rest.places + 1, sizeof(rest.places[0]) * (size_t)rest.place_count);
	listeners_open(&rest, false, &others);
	memcpy(ret_listeners->fds + 1, others.fds, sizeof(int) * (size_t)others.count);
	ret_listeners->count += others.count;
}

static void serve(int fd)
{
	conversation_serve_fd(fd, true);
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;

	server_options_parse(argc, argv, &options);
	const char *habit = options.argument ? options.argument : "never:";
	const char *how = habit + strcspn(habit, ":") + 1;
	const bool is_both = is_when(habit, "both");
	if (is_both || is_when(habit, "before"))
		sweep(how, STDERR_FILENO + 1);
	if (is_when(habit, "between"))
		listen_with_sweep(&options, how, &listeners);
	else
		listeners_open(&options, false, &listeners);
	if (is_both || is_when(habit, "after"))
		sweep(how, listeners.fds[listeners.count - 1] + 1);
	listeners_serve(&listeners, 0, serve);
}
