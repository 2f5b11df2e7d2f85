/* SPDX-License-Identifier: MIT */
#include "control/unseen.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/undisturbed.h"

/* Sets of descriptors. A server opens its listeners early, so their numbers are low. */
#define HIGHEST_FD 1024
typedef _Atomic uint64_t fd_set_of_ours[HIGHEST_FD / 64];

/* The server's threads write it; the action is written before there are any. */
static struct {
	unseen_action *action;
	fd_set_of_ours streams, bound, adopted;
	_Atomic bool is_of_parent;
} unseen;

static void put(fd_set_of_ours set, int fd, bool is_in)
{
	if ((unsigned)fd >= HIGHEST_FD)
		return;
	if (is_in)
		atomic_fetch_or(&set[fd / 64], 1ULL << (fd % 64));
	else
		atomic_fetch_and(&set[fd / 64], ~(1ULL << (fd % 64)));
}

static bool has(fd_set_of_ours set, int fd)
{
	return (unsigned)fd < HIGHEST_FD && atomic_load(&set[fd / 64]) >> (fd % 64) & 1;
}

void unseen_use(unseen_action *action)
{
	unseen.action = action;
}

void unseen_note_socket(int fd, int type)
{
	put(unseen.streams, fd, (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM);
	put(unseen.bound, fd, false);
}

void unseen_note_bind(int fd, bool is_adopted)
{
	put(unseen.bound, fd, has(unseen.streams, fd));
	put(unseen.adopted, fd, is_adopted);
	atomic_store(&unseen.is_of_parent, false);
}

bool unseen_may_listen(int fd)
{
	return has(unseen.bound, fd);
}

bool unseen_is_own(int fd, bool *ret_is_adopted)
{
	*ret_is_adopted = has(unseen.adopted, fd);
	return has(unseen.bound, fd) && !atomic_load(&unseen.is_of_parent);
}

void unseen_forked(void)
{
	atomic_store(&unseen.is_of_parent, true);
}

void unseen_found(int fd)
{
	const int saved = errno;
	struct undisturbed before;

	undisturbed_begin(&before);
	if (unseen.action)
		unseen.action(fd);
	undisturbed_end(&before);
	errno = saved;
}
