/* SPDX-License-Identifier: MIT */
#include "base/log_target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/raw_stat.h"
#include "base/trusted_path.h"

#define APPEND (O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* log_target_find() writes it; any thread reads it. */
static struct {
	char path[PATH_MAX];
	bool is_descriptor;
	mode_t kind;
	dev_t device; /* of a character device: which */
	dev_t dev;    /* of a descriptor: what is open there */
	ino_t ino;
} target;

/* Returns what speaks against the file, or NULL. */
static const char *objection(const struct stat *what, bool is_private)
{
	const mode_t kind = what->st_mode & S_IFMT;

	if (target.is_descriptor)
		return what->st_dev == target.dev && what->st_ino == target.ino
		               ? NULL
		               : "the descriptor is another file than at the start";
	if (kind != S_IFREG && kind != target.kind)
		return "it is no regular file";
	if (kind == S_IFCHR && what->st_rdev != target.device)
		return "it is another device than at the start";
	if (!is_private && !trusted_path_is_trusted_user(what->st_uid))
		return "it belongs to another user";
	/* 0: somebody has removed it in this moment. */
	if (kind == S_IFREG && what->st_nlink > 1)
		return "it has a second name, a hard link";
	return NULL;
}

/* Takes FD over, which may be -1 with an errno. */
static int check(int fd, bool is_private, const char **ret_why)
{
	struct stat what;
	const char *why;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (raw_fstat(fd, &what) != 0)
		error = -errno;
	why = error ? NULL : objection(&what, is_private);
	if (!error && !why)
		return fd;
	libc_calls.close(fd);
	if (why)
		*ret_why = why;
	return why ? -EPERM : error;
}

/* Without a reader a FIFO cannot be opened, so that only its name says that it is one. */
static int open_in(int directory_fd, const char *name, bool is_private, const char **ret_why)
{
	const int fd = openat(directory_fd, name, APPEND | O_CREAT | O_NOFOLLOW, 0644);
	const int error = fd < 0 ? errno : 0;

	if (error == ELOOP)
		*ret_why = "it is a symbolic link";
	else if (error == ENXIO && target.kind == S_IFREG)
		*ret_why = "it is no regular file";
	else
		return check(fd, is_private, ret_why);
	return -EPERM;
}

int log_target_open(const char **ret_why)
{
	const char *name;
	int directory_fd, fd;
	bool is_private;

	if (target.is_descriptor)
		return check(open(target.path, APPEND), true, ret_why);
	directory_fd = trusted_path_open_directory(target.path, &name, &is_private, ret_why);
	if (directory_fd < 0)
		return directory_fd;
	fd = open_in(directory_fd, name, is_private, ret_why);
	libc_calls.close(directory_fd);
	return fd;
}

static int remember_descriptor(void)
{
	struct stat what;

	if (raw_stat(target.path, &what) != 0)
		return -errno;
	target.dev = what.st_dev;
	target.ino = what.st_ino;
	return 0;
}

/* Anything but a FIFO or a character device has to be a regular file later. */
static int remember_kind(const char **ret_why)
{
	const char *name;
	struct stat what;
	int directory_fd, error;
	bool is_private;

	directory_fd = trusted_path_open_directory(target.path, &name, &is_private, ret_why);
	if (directory_fd < 0)
		return directory_fd;
	target.kind = S_IFREG;
	error = raw_fstatat(directory_fd, name, &what, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
	libc_calls.close(directory_fd);
	if (error)
		return error == -ENOENT ? 0 : error;
	if (S_ISFIFO(what.st_mode) || S_ISCHR(what.st_mode)) {
		target.kind = what.st_mode & S_IFMT;
		target.device = what.st_rdev;
	}
	return 0;
}

int log_target_find(const char *path, const char **ret_why)
{
	int error;

	own_fd_begin();
	error = trusted_path_find(target.path, path, true, ret_why);
	target.is_descriptor = trusted_path_is_descriptor(target.path);
	if (!error)
		error = target.is_descriptor ? remember_descriptor() : remember_kind(ret_why);
	own_fd_end();
	return error;
}
