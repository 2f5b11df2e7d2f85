/* SPDX-License-Identifier: MIT */
#include "control/unseen.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/fd_bits.h"
#include "base/undisturbed.h"

/* The server's threads write it; the action is written before there are any. */
static struct {
	unseen_action *action;
	struct fd_bits streams, bound, adopted;
	_Atomic bool is_of_parent;
} unseen;

void unseen_use(unseen_action *action)
{
	unseen.action = action;
}

void unseen_note_socket(int fd, int type)
{
	fd_bits_put(&unseen.streams, fd, (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM);
	fd_bits_put(&unseen.bound, fd, false);
}

void unseen_note_bind(int fd, bool is_adopted)
{
	fd_bits_put(&unseen.bound, fd, fd_bits_has(&unseen.streams, fd));
	fd_bits_put(&unseen.adopted, fd, is_adopted);
	atomic_store(&unseen.is_of_parent, false);
}

bool unseen_may_listen(int fd)
{
	return fd_bits_has(&unseen.bound, fd);
}

bool unseen_is_own(int fd, bool *ret_is_adopted)
{
	*ret_is_adopted = fd_bits_has(&unseen.adopted, fd);
	return fd_bits_has(&unseen.bound, fd) && !atomic_load(&unseen.is_of_parent);
}

bool unseen_has_own(void)
{
	uint64_t any = 0;

	for (int i = 0; i < FD_BITS_END / 64; i++)
		any |= atomic_load(&unseen.bound.words[i]);
	return any && !atomic_load(&unseen.is_of_parent);
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
