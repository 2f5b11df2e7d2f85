/* SPDX-License-Identifier: MIT */
#include "generation/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/errno_names.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/own_fd.h"
#include "base/raw_stat.h"
#include "base/raw_syscall.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/trusted_path.h"
#include "generation/generation.h"
#include "kernel/sandbox.h"

#define MOST_TRIES 8

/* The path without links, or "" until it is found. */
static char place[PATH_MAX];

/* The directory that an operation is in, and what speaks against it. */
struct directory {
	int fd;
	const char *name; /* of the pid file */
	bool is_private;
	const char *why; /* NULL: nothing */
};

/* Returns 0, or -errno. Between own_fd_begin() and own_fd_end(). */
static int open_directory(struct directory *directory)
{
	directory->why = NULL;
	directory->fd = trusted_path_open_directory(place, &directory->name, &directory->is_private,
	                                            &directory->why);
	return directory->fd < 0 ? directory->fd : 0;
}

static int find(const char **ret_why)
{
	return place[0] ? 0 : trusted_path_find(place, settings.pidfile, false, ret_why);
}

/* Others may have taken the names that they can guess. */
static unsigned long random_number(void)
{
	static _Atomic unsigned long count;
	unsigned long number = 0;

	if (RAW3(SYS_getrandom, &number, sizeof(number), GRND_NONBLOCK) == sizeof(number))
		return number;
	number = (unsigned long)clock_now_ns() ^ (unsigned long)&number;
	return (number + ++count) * 0x9e3779b1ul;
}

/* Returns a descriptor and its name, or -errno. */
static int create_temporary(const struct directory *directory, char name[NAME_MAX + 1])
{
	int fd = -1;

	for (int i = 0; i < MOST_TRIES && fd < 0; i++) {
		text_format(name, NAME_MAX + 1, "%.200s.%lx.tmp", directory->name, random_number());
		fd = openat(directory->fd, name,
		            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		            0644);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd < 0 ? -errno : fd;
}

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

static int replace_in(const struct directory *directory, pid_t pid)
{
	char temporary[NAME_MAX + 1];
	int fd = create_temporary(directory, temporary), error;

	if (fd < 0)
		return fd;
	error = write_to(fd, pid);
	if (!error)
		error = (int)RAW4(SYS_renameat, directory->fd, temporary, directory->fd,
		                  directory->name);
	if (error)
		(void)libc_calls.unlinkat(directory->fd, temporary, 0);
	return error;
}

static int replace(pid_t pid, const char **ret_why)
{
	struct directory directory;
	int error = failpoint("pidfile");

	if (error)
		return error;
	own_fd_begin();
	error = find(ret_why);
	if (!error) {
		error = open_directory(&directory);
		*ret_why = directory.why;
	}
	if (!error) {
		error = replace_in(&directory, pid);
		libc_calls.close(directory.fd);
	}
	own_fd_end();
	return error;
}

static void write_pid(pid_t pid)
{
	const char *why = NULL;
	const int error = replace(pid, &why);

	if (error && why)
		log_error(
			"OCTOPUS_PIDFILE=\"%.100s\": refused, as %s. Expected a directory of root's or the server's user's, in which nobody else may write. Serving without it.",
			settings.pidfile, why);
	else if (error)
		log_error(
			"OCTOPUS_PIDFILE=\"%.100s\": expected a path that can be written (%s). Serving without it.",
			settings.pidfile, errno_name(-error));
}

static bool may_be_read(const struct directory *directory, int fd)
{
	struct stat what;

	return raw_fstat(fd, &what) == 0 && S_ISREG(what.st_mode) && what.st_nlink == 1 &&
	       (directory->is_private || trusted_path_is_trusted_user(what.st_uid));
}

bool pidfile_names(int fd, pid_t pid)
{
	char text[32];
	const char *at = text;
	const ssize_t length = libc_calls.read(fd, text, sizeof(text) - 1);
	uint64_t number;

	text[length > 0 ? length : 0] = '\0';
	return text_read_number(&at, 10, &number) == 0 && number == (uint64_t)pid;
}

/* A FIFO that stands in the file's place keeps nobody waiting. */
static bool holds_own_pid(const struct directory *directory)
{
	const int fd = openat(directory->fd, directory->name,
	                      O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	bool answer;

	if (fd < 0)
		return false;
	answer = may_be_read(directory, fd) && pidfile_names(fd, generation.pid);
	libc_calls.close(fd);
	return answer;
}

/* Opens the directory if the file in it holds the pid of this process. */
static bool open_if_ours(struct directory *directory)
{
	if (open_directory(directory) != 0)
		return false;
	if (holds_own_pid(directory))
		return true;
	libc_calls.close(directory->fd);
	return false;
}

static bool may_touch_files(void)
{
	return settings.pidfile[0] && !sandbox_deadly_for_controller(SANDBOX_PIDFILE);
}

static bool is_ours(void)
{
	struct directory directory;
	bool answer;

	own_fd_begin();
	answer = open_if_ours(&directory);
	if (answer)
		libc_calls.close(directory.fd);
	own_fd_end();
	return answer;
}

static void remove_if_ours(void)
{
	struct directory directory;

	own_fd_begin();
	if (open_if_ours(&directory)) {
		(void)libc_calls.unlinkat(directory.fd, directory.name, 0);
		libc_calls.close(directory.fd);
	}
	own_fd_end();
}

void pidfile_write(void)
{
	if (may_touch_files())
		write_pid(generation.pid);
}

void pidfile_hand_back(pid_t pid)
{
	if (may_touch_files() && is_ours())
		write_pid(pid);
}

void pidfile_remove(void)
{
	if (may_touch_files())
		remove_if_ours();
}
