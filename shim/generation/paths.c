/* SPDX-License-Identifier: MIT */
#include "generation/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/interpose.h"
#include "generation/generation.h"
#include "generation/pidfile.h"
#include "kernel/procfs.h"

/* Compares the files, not the names: a server may bind a relative path and unlink an absolute
 * one. */
static bool is_socket_of(const struct generation_page *page, const struct stat *what)
{
	for (uint32_t i = 0; i < page->listener_count; i++) {
		const struct sockaddr_un *address = (const void *)&page->listeners[i].address;
		struct stat named;

		if (page->listeners[i].family == AF_UNIX && address->sun_path[0] &&
		    lstat(address->sun_path, &named) == 0 && named.st_dev == what->st_dev &&
		    named.st_ino == what->st_ino)
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

static bool belongs_to(const struct generation_page *successor, int dir_fd, const char *path,
                       const struct stat *what)
{
	const pid_t leader = atomic_load(&successor->leader);

	if (!generation_successor_lives())
		return false;
	if (S_ISSOCK(what->st_mode))
		return is_socket_of(successor, what);
	return S_ISREG(what->st_mode) && what->st_size < 32 && holds_pid(dir_fd, path, leader);
}

bool paths_belong_elsewhere(int dir_fd, const char *path)
{
	const int saved = errno;
	const struct generation_page *successor = atomic_load(&generation.successor);
	bool answer = false;
	struct stat what;

	if (!generation_may_share() || fstatat(dir_fd, path, &what, AT_SYMLINK_NOFOLLOW) != 0)
		answer = false;
	else if (successor)
		answer = belongs_to(successor, dir_fd, path, &what);
	else if (!atomic_load(&generation.page->is_ready))
		answer = S_ISSOCK(what.st_mode) && is_socket_of(generation.page, &what);
	errno = saved;
	return answer;
}
