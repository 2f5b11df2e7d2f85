/* SPDX-License-Identifier: MIT */
#include "generation/outer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/settings.h"
#include "base/text.h"
#include "generation/news.h"
#include "generation/pidfile.h"
#include "generation/start_image.h"
#include "kernel/ancestry.h"
#include "kernel/process.h"
#include "kernel/procfs_maps.h"

#define PIDFILE_VARIABLE "OCTOPUS_PIDFILE="

bool outer_leads(pid_t pid)
{
	return procfs_maps_find(pid, "rw-s", "/memfd:" NEWS_NAME) == 1;
}

/* The reaper of an upgrade (upgrade/spawn.h) runs in its parent's memory. */
static pid_t nearest_leader(void)
{
	struct process_stat stat;
	pid_t pid = getpid();

	for (int i = 0; i < ANCESTORS && process_read_stat(pid, &stat) == 0; i++) {
		if (i > 0 && outer_leads(pid))
			return !stat.has_executed && outer_leads(stat.parent) ? stat.parent : pid;
		pid = stat.parent;
		if (pid <= 1)
			break;
	}
	return 0;
}

/* TEXT is an environment as /proc shows it, read in pieces: KEPT says how much of SETTING, which has
 * LENGTH bytes with its NUL, the last piece ended with; -1: the entry that began there is another one. */
static bool has_entry(const char *text, size_t size, const char *setting, size_t length,
                      ssize_t *kept)
{
	for (size_t i = 0; i < size; i++) {
		if (*kept >= 0 && text[i] == setting[*kept]) {
			if ((size_t)++ * kept == length)
				return true;
		} else {
			*kept = -1;
		}
		if (text[i] == '\0')
			*kept = 0;
	}
	return false;
}

/* True where it cannot be read: a helper that has become another user inherits most. */
static bool was_started_with(pid_t pid, const char *setting)
{
	const size_t length = strlen(setting) + 1;
	char path[64], text[4096];
	ssize_t part = 0, kept = 0;
	bool answer = false;
	int fd;

	text_format(path, sizeof(path), "/proc/%d/environ", pid);
	own_fd_begin();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && !answer && (part = libc_calls.read(fd, text, sizeof(text))) > 0)
		answer = has_entry(text, (size_t)part, setting, length, &kept);
	if (fd >= 0)
		libc_calls.close(fd);
	own_fd_end();
	return fd < 0 || answer;
}

/* One with a pid file of its own has no part in this question. */
static bool shares_pidfile(pid_t pid)
{
	const char *value = start_image_getenv("OCTOPUS_PIDFILE");
	char setting[sizeof(PIDFILE_VARIABLE) + sizeof(settings.pidfile)];

	if (!value)
		return true;
	text_format(setting, sizeof(setting), PIDFILE_VARIABLE "%s", value);
	return was_started_with(pid, setting);
}

pid_t outer_find(void)
{
	const int saved = errno;
	const pid_t named = pidfile_read();
	pid_t outer = nearest_leader();

	if (outer && !shares_pidfile(outer))
		outer = 0;
	if (!outer && named > 1 && ancestry_descends(getpid(), named))
		outer = named;
	errno = saved;
	return outer;
}
