/* SPDX-License-Identifier: MIT */
#include "base/kept_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/interpose.h"
#include "base/raw_stat.h"

/* Servers that use select() need the numbers below. */
#define LOWEST_FD 1000

_Atomic int kept_fd_count;

/* The thread that gives up root writes it, and a fork's child; any thread reads it. The number may
 * change, the file does not. */
static struct {
	_Atomic int number; /* plus one; 0: none */
	dev_t dev;
	ino_t ino;
} kept[KEPT_COUNT];

static bool is_same_file(const struct stat *what, enum kept which)
{
	return what->st_dev == kept[which].dev && what->st_ino == kept[which].ino;
}

static bool is_same(int fd, enum kept which)
{
	struct stat what;

	return raw_fstat(fd, &what) == 0 && is_same_file(&what, which);
}

/* Returns a copy of FD above FROM; with a low limit, wherever there is room. */
static int copy_above(int fd, int from)
{
	struct rlimit limit = {0, 0};
	int copy;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur <= (rlim_t)from)
		from = (int)(limit.rlim_cur - limit.rlim_cur / 8);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, from);
	return copy < 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : copy;
}

static void count_again(void)
{
	int count = 0;

	for (int i = 0; i < KEPT_COUNT; i++)
		count += atomic_load(&kept[i].number) != 0;
	atomic_store(&kept_fd_count, count);
}

int kept_fd_keep(enum kept which, int fd)
{
	struct stat what;
	const int copy = copy_above(fd, LOWEST_FD);

	if (copy < 0)
		return -errno;
	if (raw_fstat(copy, &what) != 0) {
		libc_calls.close(copy);
		return -EBADF;
	}
	kept_fd_drop(which);
	kept[which].dev = what.st_dev;
	kept[which].ino = what.st_ino;
	atomic_store(&kept[which].number, copy + 1);
	count_again();
	return 0;
}

void kept_fd_drop(enum kept which)
{
	const int fd = atomic_exchange(&kept[which].number, 0) - 1;

	count_again();
	if (fd >= 0 && is_same(fd, which))
		libc_calls.close(fd);
}

int kept_fd_number(enum kept which)
{
	const int fd = atomic_load(&kept[which].number) - 1;

	return fd >= 0 && is_same(fd, which) ? fd : -1;
}

int kept_fd_borrow(enum kept which)
{
	const int fd = atomic_load(&kept[which].number) - 1;
	struct stat what;
	int copy, error = -EBADF;

	if (fd < 0)
		return error;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	if (raw_fstat(copy, &what) == 0 && is_same_file(&what, which))
		error = what.st_nlink > 0 ? 0 : -ENOENT;
	if (!error)
		return copy;
	libc_calls.close(copy);
	return error;
}

/* Returns which one FD is, or -1. */
static int find(int fd)
{
	for (int i = 0; i < KEPT_COUNT; i++) {
		if (fd >= 0 && atomic_load(&kept[i].number) == fd + 1)
			return i;
	}
	return -1;
}

bool kept_fd_owns(int fd)
{
	const int which = find(fd);

	return which >= 0 && is_same(fd, (enum kept)which);
}

int kept_fd_next(int first)
{
	int lowest = -1;

	for (int i = 0; i < KEPT_COUNT; i++) {
		const int fd = kept_fd_number((enum kept)i);

		if (fd >= first && fd >= 0 && (lowest < 0 || fd < lowest))
			lowest = fd;
	}
	return lowest;
}

/* Without another number it is lost: the server comes first. */
void kept_fd_move_away(int fd)
{
	const int which = kept_fd_owns(fd) ? find(fd) : -1;
	int here = fd + 1, copy;

	if (which < 0)
		return;
	copy = copy_above(fd, fd + 1);
	if (!atomic_compare_exchange_strong(&kept[which].number, &here, copy + 1) && copy >= 0)
		libc_calls.close(copy);
	count_again();
}

void kept_fd_drop_all(void)
{
	if (!kept_fd_exists())
		return;
	for (int i = 0; i < KEPT_COUNT; i++)
		kept_fd_drop((enum kept)i);
}
