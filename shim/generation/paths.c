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
#include "generation/bound_files.h"
#include "generation/generation.h"
#include "generation/pidfile.h"
#include "kernel/procfs.h"
#include "kernel/socket_identity.h"
#include "kernel/unix_sockets.h"

/* By name, where nobody knows which file the listener was bound to. */
static bool is_at(const struct bound_file *what, sa_family_t family,
                  const struct sockaddr_storage *at)
{
	struct bound_file named;

	return family == AF_UNIX &&
	       bound_file_of((const void *)at, sizeof(struct sockaddr_un), &named) &&
	       bound_file_is_same(&named, what);
}

/* Where WHAT is one of several names (LINKS) of the file, only that at its place is the listener's: haproxy has
 * another one while it starts. */
static bool is_its_name(const struct bound_file *file, const struct bound_file *what, nlink_t links)
{
	return links < 2 || !file->directory_inode || bound_file_has_place_of(file, what);
}

struct own {
	uint64_t socket;
	bool is_found;
};

static bool look_for_own(int fd, void *context)
{
	struct own *own = context;

	own->is_found = socket_identity(fd) == own->socket;
	return !own->is_found;
}

/* The successor may have been replaced in its turn. */
static bool is_served_by_others(uint64_t socket)
{
	struct own own = {socket, false};

	procfs_each_fd(0, look_for_own, &own);
	return !own.is_found && unix_sockets_has_listening(socket);
}

/* What the successor has not claimed is this generation's own to remove. But where it has put a socket of
 * its own in the place of one of ours, this server's clean-up means that name. */
static bool is_socket_of(const struct successor *successor, const struct bound_file *what,
                         nlink_t links)
{
	for (uint32_t i = 0; i < successor->listener_count; i++) {
		if (bound_file_is_same(&successor->listeners[i].file, what))
			return successor->listeners[i].is_claimed &&
			       is_its_name(&successor->listeners[i].file, what, links) &&
			       (generation_successor_lives() ||
			        is_served_by_others(successor->listeners[i].identity));
	}
	for (uint32_t i = 0; i < successor->listener_count; i++) {
		const struct bound_file *file = &successor->listeners[i].file;

		if (file->inode ? bound_file_has_place_of(file, what)
		                : is_at(what, successor->listeners[i].family,
		                        &successor->listeners[i].address))
			return true;
	}
	return false;
}

static const struct manifest *inherited;

void paths_inherit(const struct manifest *manifest)
{
	inherited = manifest;
}

static bool is_inherited(const struct bound_file *what, nlink_t links)
{
	for (uint32_t i = 0; inherited && i < inherited->listener_count; i++) {
		const struct inherited_listener *listener = &inherited->listeners[i];

		if (listener->file.inode
		            ? bound_file_is_same(&listener->file, what) &&
		                      is_its_name(&listener->file, what, links)
		            : is_at(what, (sa_family_t)listener->family, &listener->address))
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
	struct bound_file file;

	if (S_ISSOCK(what->st_mode))
		return bound_file_at(dir_fd, path, &file) &&
		       is_socket_of(successor, &file, what->st_nlink);
	return generation_successor_lives() && S_ISREG(what->st_mode) && what->st_size < 32 &&
	       holds_pid(dir_fd, path, successor->leader.pid);
}

bool paths_belong_elsewhere(int dir_fd, const char *path)
{
	const int saved = errno;
	const struct successor *successor = atomic_load(&generation.successor);
	bool answer = false;
	struct bound_file file;
	struct stat what;

	if (!generation_may_share() || raw_fstatat(dir_fd, path, &what, AT_SYMLINK_NOFOLLOW) != 0)
		answer = false;
	else if (successor)
		answer = belongs_to(successor, dir_fd, path, &what);
	else if (generation_is_being_born() && generation_predecessor_serves())
		answer = S_ISSOCK(what.st_mode) && bound_file_at(dir_fd, path, &file) &&
		         is_inherited(&file, what.st_nlink);
	errno = saved;
	return answer;
}
