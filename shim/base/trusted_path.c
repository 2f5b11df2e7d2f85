/* SPDX-License-Identifier: MIT */
#include "base/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/raw_stat.h"
#include "base/text.h"

#define MOST_LINKS 40
#define ENTER (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* What the kernel shows for a user whom the namespace does not map. */
#define OVERFLOW_UID 65534

enum trust { TRUST_NONE, TRUST_SHARED, TRUST_PRIVATE };

struct walk {
	int fd; /* of the directory that was reached; O_PATH */
	enum trust trust;
	const char *weakness; /* of a directory with TRUST_NONE */
	const char *rest;     /* of the path: what was not entered */
};

static bool is_mapped(const char *map, uint64_t uid)
{
	uint64_t inside, outside, count;

	for (;; map++) {
		map += strspn(map, " \n");
		if (text_read_number(&map, 10, &inside) != 0)
			return false;
		map += strspn(map, " ");
		if (text_read_number(&map, 10, &outside) != 0)
			return false;
		map += strspn(map, " ");
		if (text_read_number(&map, 10, &count) != 0)
			return false;
		if (uid >= inside && uid - inside < count)
			return true;
		if (!*map)
			return false;
	}
}

/* Without /proc, 65534 is a user as any other. */
static bool overflow_is_outside(void)
{
	static _Atomic int answer = -1;
	char map[1024];
	ssize_t length;
	int fd;

	if (atomic_load(&answer) >= 0)
		return atomic_load(&answer);
	fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? 0 : libc_calls.read(fd, map, sizeof(map) - 1);
	if (fd >= 0)
		libc_calls.close(fd);
	map[length > 0 ? length : 0] = '\0';
	atomic_store(&answer, length > 0 && !is_mapped(map, OVERFLOW_UID));
	return atomic_load(&answer);
}

bool trusted_path_is_trusted_user(uid_t uid)
{
	return uid == 0 || uid == geteuid() || (uid == OVERFLOW_UID && overflow_is_outside());
}

static bool group_is_trusted(gid_t gid)
{
	const uid_t self = geteuid();

	return self != 0 && (gid == 0 || gid == self);
}

static enum trust judge(const struct stat *directory, const char **ret_weakness)
{
	const mode_t mode = directory->st_mode;

	*ret_weakness = "its directory belongs to another user";
	if (!trusted_path_is_trusted_user(directory->st_uid))
		return TRUST_NONE;
	*ret_weakness = NULL;
	if (!(mode & S_IWOTH) && (!(mode & S_IWGRP) || group_is_trusted(directory->st_gid)))
		return TRUST_PRIVATE;
	if (mode & S_ISVTX)
		return TRUST_SHARED;
	*ret_weakness = "others may write in its directory";
	return TRUST_NONE;
}

/* Takes FD over. */
static int reach(struct walk *walk, int fd)
{
	struct stat what;

	if (raw_fstat(fd, &what) != 0) {
		const int error = -errno;

		libc_calls.close(fd);
		return error;
	}
	if (walk->fd >= 0)
		libc_calls.close(walk->fd);
	walk->fd = fd;
	walk->trust = judge(&what, &walk->weakness);
	return 0;
}

/* While we are in a directory, others may move it: `..` leads where they want. */
static int enter(struct walk *walk, const char *name)
{
	int fd;

	if (strcmp(name, "..") == 0 && walk->trust == TRUST_NONE) {
		walk->weakness = "it leads up from a directory that others can move";
		return -EPERM;
	}
	fd = openat(walk->fd, name, ENTER);
	return fd < 0 ? -errno : reach(walk, fd);
}

/* Writes the first component of PATH into NAME. Returns the length, which is 0 at the end, or
 * -ENAMETOOLONG. */
static int first_component(const char *path, char name[NAME_MAX + 1])
{
	const size_t length = strchr(path, '/') ? (size_t)(strchr(path, '/') - path) : strlen(path);

	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path, length);
	name[length] = '\0';
	return (int)length;
}

/* Enters all directories of PATH but the last component. Returns 0, or -errno, which is -ENOTDIR for
 * a link; walk->rest begins with the component at which it ended. The caller closes walk->fd, which
 * is -1 if there is none. */
static int walk_along(struct walk *walk, const char *path)
{
	char name[NAME_MAX + 1];
	const int fd = open("/", ENTER);
	int error, length;

	*walk = (struct walk){.fd = -1, .rest = path + strspn(path, "/")};
	error = fd < 0 ? -errno : reach(walk, fd);
	while (!error && strchr(walk->rest, '/')) {
		length = first_component(walk->rest, name);
		if (length < 0)
			return length;
		error = enter(walk, name);
		if (!error) {
			walk->rest += length;
			walk->rest += strspn(walk->rest, "/");
		}
	}
	return error;
}

/* Puts the text of the link NAME, at which the walk along PATH has ended, in its place in PATH.
 * Returns 0, or -errno. */
static int splice_link(const struct walk *walk, char path[PATH_MAX], const char *name)
{
	const size_t at = (size_t)(walk->rest - path);
	const char *rest = walk->rest + strlen(name);
	const size_t rest_length = strlen(rest);
	char text[PATH_MAX];
	const ssize_t length = readlinkat(walk->fd, name, text, sizeof(text));
	size_t start;

	if (length <= 0)
		return length < 0 ? -errno : -ENOENT;
	start = text[0] == '/' ? 0 : at;
	if (start + (size_t)length + rest_length >= PATH_MAX)
		return -ENAMETOOLONG;
	memmove(path + start + length, rest, rest_length + 1);
	memcpy(path + start, text, (size_t)length);
	return 0;
}

/* Returns 1 if the walk along PATH has ended at a link, which PATH is now without; 0 if it has not;
 * or -errno. */
static int follow(struct walk *walk, char path[PATH_MAX])
{
	char name[NAME_MAX + 1];
	struct stat what;
	int error = first_component(walk->rest, name);

	if (error < 0)
		return error;
	if (raw_fstatat(walk->fd, name, &what, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(what.st_mode))
		return 0;
	if (walk->trust != TRUST_PRIVATE &&
	    (walk->trust != TRUST_SHARED || !trusted_path_is_trusted_user(what.st_uid))) {
		walk->weakness = "it leads through a link that others can change";
		return -EPERM;
	}
	error = splice_link(walk, path, name);
	return error ? error : 1;
}

/* One walk along PATH, to its next link or to its end. Returns as follow() does. */
static int find_step(char path[PATH_MAX], bool follows_last, const char **ret_why)
{
	struct walk walk;
	int error = walk_along(&walk, path);

	if (error == -ENOTDIR || (!error && follows_last && walk.trust != TRUST_NONE)) {
		const int followed = follow(&walk, path);

		error = followed ? followed : error;
	}
	if (error == -EPERM && walk.weakness)
		*ret_why = walk.weakness;
	if (walk.fd >= 0)
		libc_calls.close(walk.fd);
	return error;
}

int trusted_path_find(char found[PATH_MAX], const char *path, bool follows_last,
                      const char **ret_why)
{
	int error = 1;

	if (text_format(found, PATH_MAX, "%s", path) + 1 >= PATH_MAX)
		error = -ENAMETOOLONG;
	for (int links = 0; error == 1; links++) {
		if (trusted_path_is_descriptor(found))
			return 0;
		error = links > MOST_LINKS ? -ELOOP : find_step(found, follows_last, ret_why);
	}
	if (error)
		found[0] = '\0';
	return error;
}

int trusted_path_open_directory(const char *found, const char **ret_name, bool *ret_is_private,
                                const char **ret_why)
{
	struct walk walk;
	int error = walk_along(&walk, found);

	if (error == -ENOTDIR) {
		walk.weakness =
			"something else has taken the place of a directory on the way to it";
		error = -EPERM;
	} else if (!error && walk.trust == TRUST_NONE) {
		error = -EPERM;
	}
	if (!error) {
		*ret_name = walk.rest;
		*ret_is_private = walk.trust == TRUST_PRIVATE;
		return walk.fd;
	}
	if (error == -EPERM && walk.weakness)
		*ret_why = walk.weakness;
	if (walk.fd >= 0)
		libc_calls.close(walk.fd);
	return error;
}

bool trusted_path_is_descriptor(const char *path)
{
	const char *at = strncmp(path, "/proc/", 6) == 0 ? strchr(path + 6, '/') : NULL;

	return at && strncmp(at, "/fd/", 4) == 0 && at[4] &&
	       strspn(at + 4, "0123456789") == strlen(at + 4);
}
