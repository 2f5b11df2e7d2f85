/* SPDX-License-Identifier: MIT */
#include "generation/start_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/raw_stat.h"
#include "base/raw_syscall.h"
#include "kernel/procfs.h"

#define FIRST 3

/* Written before the first call of a wrapper is over. */
static struct {
	uint64_t open[START_FDS_BELOW / 64];
	struct started_with {
		int fd;
		int access_mode; /* O_ACCMODE of open(2) */
		dev_t device;
		ino_t inode;
	} known[START_FDS_MOST];
	int count;
} start;

bool start_fds_had(int fd)
{
	return fd >= 0 && fd < START_FDS_BELOW && start.open[fd / 64] >> (fd % 64) & 1;
}

/* Without the descriptors of no file (an eventfd, an epoll set): all of them have one inode. */
static bool describe(int fd, struct started_with *ret_known)
{
	const int flags = fcntl(fd, F_GETFL);
	struct stat file;

	if (flags < 0 || raw_fstat(fd, &file) != 0 || (file.st_mode & S_IFMT) == 0)
		return false;
	*ret_known = (struct started_with){fd, flags & O_ACCMODE, file.st_dev, file.st_ino};
	return true;
}

void start_fds_describe(void)
{
	const int saved = errno;

	for (int fd = FIRST; fd < START_FDS_BELOW && start.count < START_FDS_MOST; fd++) {
		if (start_fds_had(fd) && describe(fd, &start.known[start.count]))
			start.count++;
	}
	errno = saved;
}

static long poll_now(struct pollfd *polled, int count)
{
#ifdef SYS_poll /* filters know it better than ppoll */
	return RAW3(SYS_poll, polled, count, 0);
#else
	struct timespec none = {0};

	return RAW5(SYS_ppoll, polled, count, &none, NULL, 0);
#endif
}

/* poll(2) marks what is not open by POLLNVAL. It allows no more entries than the limit of
 * descriptors. */
static void ask(struct pollfd *polled)
{
	for (int fd = 0; fd < START_FDS_BELOW; fd++)
		polled[fd] = (struct pollfd){.fd = fd};
	if (poll_now(polled, START_FDS_BELOW) >= 0)
		return;
	for (int fd = 0; fd < START_FDS_BELOW; fd++)
		polled[fd].revents = fcntl(fd, F_GETFD) < 0 ? POLLNVAL : 0;
}

void start_fds_capture(void)
{
	struct pollfd polled[START_FDS_BELOW];
	const int saved = errno;

	ask(polled);
	/* What another constructor has opened is close-on-exec, and no descriptor of the start is. */
	for (int fd = 0; fd < START_FDS_BELOW; fd++) {
		if (!(polled[fd].revents & POLLNVAL) &&
		    (fd < FIRST || !(fcntl(fd, F_GETFD) & FD_CLOEXEC)))
			start.open[fd / 64] |= 1ULL << (fd % 64);
	}
	errno = saved;
}

void start_fds_leave_out(int fd)
{
	for (int i = 0; i < start.count; i++) {
		if (start.known[i].fd == fd)
			start.known[i] = start.known[--start.count];
	}
	if (start_fds_had(fd))
		start.open[fd / 64] &= ~(1ULL << (fd % 64));
}

static bool is_same(const struct started_with *known, int fd)
{
	struct started_with now;

	return describe(fd, &now) && now.device == known->device && now.inode == known->inode &&
	       now.access_mode == known->access_mode;
}

struct search {
	const struct started_with *known;
	int found;
};

/* A number of the start may yet be given to another descriptor. */
static bool look(int fd, void *context)
{
	struct search *search = context;

	if (!start_fds_had(fd) && is_same(search->known, fd))
		search->found = fd;
	return search->found < 0;
}

static int find_moved(const struct started_with *known)
{
	struct search search = {known, -1};

	procfs_each_fd(FIRST, look, &search);
	return search.found;
}

int start_fds_find(struct start_fd *ret_fds)
{
	int count = 0;

	for (int i = 0; i < start.count; i++) {
		const struct started_with *known = &start.known[i];
		const int from = is_same(known, known->fd) ? known->fd : find_moved(known);

		if (from >= 0 || known->access_mode == O_WRONLY)
			ret_fds[count++] = (struct start_fd){from, known->fd};
	}
	return count;
}
