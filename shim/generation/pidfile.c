/* SPDX-License-Identifier: MIT */
#include "generation/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/errno_names.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/own_fd.h"
#include "base/settings.h"
#include "base/text.h"
#include "generation/generation.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"

static int write_to(int fd, pid_t pid)
{
	char text[16];
	const size_t length = text_format(text, sizeof(text), "%d\n", pid);
	int error = 0;

	if (libc_calls.write(fd, text, length) != (ssize_t)length)
		error = errno ? -errno : -ENOSPC;
	libc_calls.close(fd);
	return error;
}

static int write_temporary(const char *path, pid_t pid)
{
	int error = failpoint("pidfile"), fd;

	if (error)
		return error;
	own_fd_begin();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	error = fd < 0 ? -errno : write_to(fd, pid);
	own_fd_end();
	return error;
}

static void write_pid(pid_t pid)
{
	char temporary[PATH_MAX + 32];
	int error;

	text_format(temporary, sizeof(temporary), "%s.%d.tmp", settings.pidfile, generation.pid);
	error = write_temporary(temporary, pid);
	if (error == 0 && rename(temporary, settings.pidfile) != 0)
		error = -errno;
	if (error) {
		(void)libc_calls.unlink(temporary);
		log_error(
			"OCTOPUS_PIDFILE=\"%.100s\": expected a path that can be written (%s). Serving without it.",
			settings.pidfile, errno_name(-error));
	}
}

static bool is_ours(void)
{
	char text[32];
	const char *at = text;
	uint64_t pid;

	return settings.pidfile[0] && !sandbox_deadly_for_controller(SANDBOX_FILES) &&
	       procfs_read(settings.pidfile, text, sizeof(text)) > 0 &&
	       text_read_number(&at, 10, &pid) == 0 && pid == (uint64_t)generation.pid;
}

void pidfile_write(void)
{
	if (settings.pidfile[0] && !sandbox_deadly_for_controller(SANDBOX_FILES))
		write_pid(generation.pid);
}

void pidfile_hand_back(pid_t pid)
{
	if (is_ours())
		write_pid(pid);
}

void pidfile_remove(void)
{
	if (is_ours())
		(void)libc_calls.unlink(settings.pidfile);
}
