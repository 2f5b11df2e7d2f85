/* SPDX-License-Identifier: MIT */
#include "generation/bound_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/interpose.h"
#include "base/raw_stat.h"
#include "kernel/socket_identity.h"

#define HIGHEST_FD 1024

_Atomic bool bound_files_are_there;

/* By descriptor. The thread that binds writes it; a fork copies it. */
static struct {
	_Atomic uint64_t socket; /* socket_identity.h; 0: the rest says nothing */
	struct bound_file file;
	_Atomic int backlog;
} table[HIGHEST_FD];

/* FNV-1a. */
#define HASH_OF_NOTHING 0xcbf29ce484222325

static uint64_t hash_more(uint64_t value, char next)
{
	return (value ^ (unsigned char)next) * 0x100000001b3;
}

static uint64_t hash(const char *name)
{
	uint64_t value = HASH_OF_NOTHING;

	for (; *name; name++)
		value = hash_more(value, *name);
	return value;
}

static void find_place(int dir_fd, const char *path, struct bound_file *file)
{
	const char *slash = strrchr(path, '/');
	const size_t length = slash ? (size_t)(slash - path) + 1 : 0;
	char directory[PATH_MAX] = ".";
	struct stat there;

	if (length >= sizeof(directory))
		return;
	memcpy(directory, path, length);
	directory[length ? length : 1] = '\0';
	if (raw_fstatat(dir_fd, directory, &there, 0) != 0)
		return;
	file->directory_device = there.st_dev;
	file->directory_inode = there.st_ino;
	file->name = hash(path + length);
}

/* The kernel looks at PATH first: it may be a bad pointer. */
bool bound_file_at(int dir_fd, const char *path, struct bound_file *ret_file)
{
	const int saved = errno;
	struct stat there;
	const int result = raw_fstatat(dir_fd, path, &there, AT_SYMLINK_NOFOLLOW);
	bool is_socket = result == 0 && S_ISSOCK(there.st_mode);

	memset(ret_file, 0, sizeof(*ret_file));
	if (result == 0 || errno == ENOENT)
		find_place(dir_fd, path, ret_file);
	if (is_socket) {
		ret_file->device = there.st_dev;
		ret_file->inode = there.st_ino;
	}
	errno = saved;
	return is_socket;
}

struct path {
	char text[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
};

/* bind(2) accepts a path without a NUL at its end (unix(7)). */
static bool read_path(const struct sockaddr *address, socklen_t length, struct path *ret_path)
{
	const struct sockaddr_un *name = (const void *)address;
	const size_t offset = offsetof(struct sockaddr_un, sun_path);

	if (length <= offset || length > sizeof(*name) || name->sun_family != AF_UNIX ||
	    !name->sun_path[0])
		return false;
	memcpy(ret_path->text, name->sun_path, length - offset);
	ret_path->text[length - offset] = '\0';
	return true;
}

bool bound_file_of(const struct sockaddr *address, socklen_t length, struct bound_file *ret_file)
{
	struct path path;

	if (read_path(address, length, &path))
		return bound_file_at(AT_FDCWD, path.text, ret_file);
	memset(ret_file, 0, sizeof(*ret_file));
	return false;
}

bool bound_file_is_target(const struct bound_file *file, const struct sockaddr *address,
                          socklen_t length)
{
	const int saved = errno;
	struct path path;
	struct stat there;
	bool answer;

	answer = file->inode && read_path(address, length, &path) &&
	         raw_stat(path.text, &there) == 0 && there.st_ino == file->inode &&
	         there.st_dev == file->device;
	errno = saved;
	return answer;
}

bool bound_file_is_same(const struct bound_file *a, const struct bound_file *b)
{
	return a->inode && a->inode == b->inode && a->device == b->device;
}

bool bound_file_has_place_of(const struct bound_file *a, const struct bound_file *b)
{
	return a->directory_inode && a->directory_inode == b->directory_inode &&
	       a->directory_device == b->directory_device && a->name == b->name;
}

void bound_files_note(int fd, const struct bound_file *file)
{
	if ((unsigned)fd >= HIGHEST_FD || !file->inode)
		return;
	atomic_store(&table[fd].socket, 0);
	table[fd].file = *file;
	atomic_store(&table[fd].backlog, -1);
	atomic_store(&table[fd].socket, socket_identity(fd));
	atomic_store(&bound_files_are_there, true);
}

static bool is_noted(int fd)
{
	const uint64_t socket = (unsigned)fd < HIGHEST_FD ? atomic_load(&table[fd].socket) : 0;

	return socket && socket == socket_identity(fd);
}

void bound_files_note_backlog(int fd, int backlog)
{
	if (bound_files_exist() && (unsigned)fd < HIGHEST_FD)
		atomic_store(&table[fd].backlog, backlog);
}

void bound_files_get(int fd, struct bound_file *ret_file)
{
	memset(ret_file, 0, sizeof(*ret_file));
	if (is_noted(fd))
		*ret_file = table[fd].file;
}

int bound_files_find(const struct bound_file *file, int *ret_backlog)
{
	for (int fd = 0; fd < HIGHEST_FD; fd++) {
		if (!atomic_load(&table[fd].socket) || !bound_file_is_same(&table[fd].file, file) ||
		    !is_noted(fd))
			continue;
		*ret_backlog = atomic_load(&table[fd].backlog);
		return fd;
	}
	return -1;
}

/* Some part of TEXT, which is no longer than a path in an address. */
static bool contains(const char *text, uint64_t name)
{
	for (; *text; text++) {
		uint64_t value = HASH_OF_NOTHING;

		for (const char *at = text; *at; at++) {
			value = hash_more(value, *at);
			if (value == name)
				return true;
		}
	}
	return false;
}

static bool is_named_after(int fd, uint64_t name)
{
	struct sockaddr_un bound = {0};
	socklen_t length = sizeof(bound);
	struct path path;
	const char *slash;

	if (libc_calls.getsockname(fd, (struct sockaddr *)&bound, &length) != 0 ||
	    !read_path((struct sockaddr *)&bound, length, &path))
		return false;
	slash = strrchr(path.text, '/');
	return contains(slash ? slash + 1 : path.text, name);
}

bool bound_files_have_draft(const struct bound_file *file)
{
	const int saved = errno;
	bool is_found = false;

	if (!bound_files_exist() || !file->directory_inode)
		return false;
	for (int fd = 0; fd < HIGHEST_FD && !is_found; fd++)
		is_found = is_noted(fd) &&
		           table[fd].file.directory_inode == file->directory_inode &&
		           table[fd].file.directory_device == file->directory_device &&
		           is_named_after(fd, file->name);
	errno = saved;
	return is_found;
}

void bound_files_move(const struct bound_file *from, const struct bound_file *to)
{
	for (int fd = 0; fd < HIGHEST_FD; fd++) {
		struct bound_file *file = &table[fd].file;

		if (!atomic_load(&table[fd].socket) || !bound_file_is_same(file, from))
			continue;
		file->directory_device = to->directory_device;
		file->directory_inode = to->directory_inode;
		file->name = to->name;
	}
}
