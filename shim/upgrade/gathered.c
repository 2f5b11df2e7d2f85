/* SPDX-License-Identifier: MIT */
#include "upgrade/gathered.h"

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/raw_stat.h"
#include "base/raw_syscall.h"
#include "base/text.h"
#include "generation/birth.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"
#include "kernel/socket_identity.h"
#include "signal/branches.h"

/* The same on every architecture (include/uapi/asm-generic/unistd.h). */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* A server opens its listeners early, and may have many connections. */
#define HIGHEST_FD 256

/* The controller's own. */
static struct {
	int fds[GENERATION_LISTENERS];
	uint64_t identities[GENERATION_LISTENERS]; /* the server may have closed the number */
	int count;
} gathered;

struct gathering {
	int *fds;
	int count, most;
	int pidfd;
};

static bool is_known(const struct gathering *gathering, uint64_t socket)
{
	for (int i = 0; i < gathering->count; i++) {
		if (socket_identity(gathering->fds[i]) == socket)
			return true;
	}
	return false;
}

static bool is_wanted(const struct gathering *gathering, int fd)
{
	const uint64_t socket = socket_identity(fd);

	return socket && listeners_is_listening(fd) && !is_known(gathering, socket);
}

static void copy(int number, void *context)
{
	struct gathering *gathering = context;
	int fd;

	if (number >= HIGHEST_FD || gathering->count >= gathering->most)
		return;
	fd = (int)RAW3(SYS_pidfd_getfd, gathering->pidfd, number, 0);
	if (fd >= 0 && is_wanted(gathering, fd)) {
		gathered.fds[gathered.count] = fd;
		gathered.identities[gathered.count++] = socket_identity(fd);
		gathering->fds[gathering->count++] = fd;
	} else if (fd >= 0) {
		libc_calls.close(fd);
	}
}

/* The files of a process in /proc are its effective user's (proc(5)). */
static bool is_of_same_user(pid_t pid)
{
	char path[64];
	struct stat what;

	text_format(path, sizeof(path), "/proc/%d", pid);
	return raw_stat(path, &what) == 0 && what.st_uid == geteuid();
}

static void gather(pid_t pid, void *context)
{
	struct gathering *gathering = context;

	gathering->pidfd = (int)RAW2(SYS_pidfd_open, pid, 0);
	if (gathering->pidfd < 0)
		return;
	/* After the pidfd was opened, the number is still its. */
	if (branches_include(pid) && is_of_same_user(pid))
		(void)procfs_each_fd_of(pid, copy, gathering);
	libc_calls.close(gathering->pidfd);
}

/* MOST is at most GENERATION_LISTENERS. */
int gathered_add(int *fds, int count, int most)
{
	struct gathering gathering = {.fds = fds, .count = count, .most = most};

	gathered_end();
	if (!branches_exist() || sandbox_deadly_for_controller(SANDBOX_PIDFD))
		return count;
	own_fd_begin();
	branches_each(gather, &gathering);
	own_fd_end();
	return gathering.count;
}

void gathered_end(void)
{
	for (int i = 0; i < gathered.count; i++) {
		if (socket_identity(gathered.fds[i]) == gathered.identities[i])
			libc_calls.close(gathered.fds[i]);
	}
	gathered.count = 0;
}

void gathered_forked(void)
{
	gathered_end();
}
