/* SPDX-License-Identifier: MIT */
#include "drain/shut_listener.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/interpose.h"
#include "base/raw_stat.h"
#include "base/undisturbed.h"
#include "drain/quiet_listener.h"
#include "drain/wake_threads.h"
#include "generation/generation.h"
#include "kernel/epoll_sets.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/socket_options.h"

#define DUPS 16

struct dups {
	ino_t socket;
	int fds[DUPS];
	int count;
};

static bool add_dup(int fd, void *context)
{
	struct dups *dups = context;
	struct stat status;

	if (raw_fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) &&
	    status.st_ino == dups->socket)
		dups->fds[dups->count++] = fd;
	return dups->count < DUPS;
}

static void find_dups(int fd, struct dups *ret_dups)
{
	struct stat status;

	ret_dups->count = 0;
	if (raw_fstat(fd, &status) != 0)
		return;
	ret_dups->socket = status.st_ino;
	procfs_each_fd(0, add_dup, ret_dups);
}

/* A TCP listener that is shut down is an unconnected socket again (net/ipv4/af_inet.c,
 * inet_shutdown). A unix socket has to be shut down, because else poll() reports no more than that it is
 * unconnected. */
static int make_ended(int family)
{
	const int fd = libc_calls.socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && family == AF_UNIX)
		(void)libc_calls.shutdown(fd, SHUT_RDWR);
	return fd;
}

static void replace(const struct dups *dups, int ended)
{
	struct epoll_sets sets;

	epoll_sets_find(&sets);
	for (int i = 0; i < dups->count; i++)
		(void)epoll_sets_replace(&sets, dups->fds[i], ended);
}

static void end(int fd, int family, bool is_quiet)
{
	const int ended = make_ended(family);
	struct dups dups;

	find_dups(fd, &dups);
	/* This wakes the threads in accept(). It is all that is left without a descriptor. */
	if (is_quiet)
		(void)libc_calls.shutdown(fd, SHUT_RDWR);
	if (ended < 0)
		return;
	replace(&dups, ended);
	libc_calls.close(ended);
	if (!is_quiet)
		wake_threads(dups.fds, dups.count);
}

static bool is_shared(int fd)
{
	return generation_may_share() && listeners_is_listening(fd) &&
	       listeners_is_held_elsewhere(fd);
}

static int family_of(int fd, int index)
{
	return index >= 0 ? quiet_listener_address(index)->sa_family
	                  : socket_option_int(fd, SOL_SOCKET, SO_DOMAIN);
}

bool shut_listener(int fd, int how)
{
	const int saved = errno, index = quiet_listener_find(fd);
	const bool is_quiet = index >= 0 && quiet_listener_is_quiet(index);
	struct undisturbed before;

	if (how < SHUT_RD || how > SHUT_RDWR || (!is_quiet && !is_shared(fd)))
		return false;
	/* The writing side of a listener means nothing. */
	if (how != SHUT_WR) {
		undisturbed_begin(&before);
		end(fd, family_of(fd, is_quiet ? index : -1), is_quiet);
		undisturbed_end(&before);
	}
	errno = saved;
	return true;
}
