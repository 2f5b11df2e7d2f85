/* SPDX-License-Identifier: MIT */
#include "kernel/file_mode.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/raw_stat.h"
#include "base/raw_syscall.h"
#include "base/text.h"

/* fchmod(2) wants a descriptor that is open for more than its path, and a socket has none. */
static bool set_mode(int fd, mode_t mode)
{
	char path[32];

	text_format(path, sizeof(path), "/proc/self/fd/%d", fd);
	return RAW3(SYS_fchmodat, AT_FDCWD, path, mode & 07777) == 0;
}

static bool give(int fd, const struct stat *wanted, ino_t inode)
{
	struct stat present;

	if (raw_fstat(fd, &present) != 0 || present.st_ino != inode)
		return false;
	if ((present.st_uid != wanted->st_uid || present.st_gid != wanted->st_gid) &&
	    RAW5(SYS_fchownat, fd, "", wanted->st_uid, wanted->st_gid, AT_EMPTY_PATH) != 0)
		return false;
	return present.st_mode == wanted->st_mode || set_mode(fd, wanted->st_mode);
}

bool file_mode_carry(int from_dir_fd, const char *from, int to_dir_fd, const char *to, ino_t inode)
{
	struct stat wanted;
	bool is_given;
	int fd;

	if (raw_fstatat(from_dir_fd, from, &wanted, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	own_fd_begin();
	fd = openat(to_dir_fd, to, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	is_given = fd >= 0 && give(fd, &wanted, inode);
	if (fd >= 0)
		libc_calls.close(fd);
	own_fd_end();
	return is_given;
}
