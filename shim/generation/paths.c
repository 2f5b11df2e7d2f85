/* SPDX-License-Identifier: MIT */
#include "generation/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/interpose.h"
#include "base/raw_stat.h"
#include "generation/generation.h"
#include "generation/pidfile.h"
#include "kernel/procfs.h"

/* Compares the files, not the names: a server may bind a relative path and unlink an absolute
 * one. */
static bool is_at(const struct stat *what, sa_family_t family, const struct sockaddr_storage *at)
{
	const struct sockaddr_un *address = (const void *)at;
	struct stat named;

	return family == AF_UNIX && address->sun_path[0] &&
	       raw_fstatat(AT_FDCWD, address->sun_path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       named.st_dev == what->st_dev && named.st_ino == what->st_ino;
}

static bool is_socket_of(const struct successor *successor, const struct stat *what)
{
	for (uint32_t i = 0; i < successor->listener_count; i++) {
		if (is_at(what, successor->listeners[i].family, &successor->listeners[i].address))
			return true;
	}
	return false;
}

static const struct manifest *inherited;

void paths_inherit(const struct manifest *manifest)
{
	inherited = manifest;
}

static bool is_inherited(const struct stat *what)
{
	for (uint32_t i = 0; inherited && i < inherited->listener_count; i++) {
		if (is_at(what, (sa_family_t)inherited->listeners[i].family,
		          &inherited->listeners[i].address))
			return true;
	}
	return false;
}

static bool holds_pid(int dir_fd, const char *path, pid_t pid)
{
	const int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	bool answer;

	if (fd < 0)
		return false;
	answer = pidfile_names(fd, pid);
	libc_calls.close(fd);
	return answer;
}

static bool belongs_to(const struct successor *successor, int dir_fd, const char *path,
                       const struct stat *what)
{
	if (!generation_successor_lives())
		return false;
	if (S_ISSOCK(what->st_mode))
		return is_socket_of(successor, what);
	return S_ISREG(what->st_mode) && what->st_size < 32 &&
	       holds_pid(dir_fd, path, successor->leader.pid);
}

bool paths_belong_elsewhere(int dir_fd, const char *path)
{
	const int saved = errno;
	const struct successor *successor = atomic_load(&generation.successor);
	bool answer = false;
	struct stat what;

	if (!generation_may_share() || raw_fstatat(dir_fd, path, &what, AT_SYMLINK_NOFOLLOW) != 0)
		answer = false;
	else if (successor)
		answer = belongs_to(successor, dir_fd, path, &what);
	else if (generation_is_being_born() && generation_predecessor_serves())
		answer = S_ISSOCK(what.st_mode) && is_inherited(&what);
	errno = saved;
	return answer;
}
