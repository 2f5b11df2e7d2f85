/* SPDX-License-Identifier: MIT */
#include "kernel/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/raw_stat.h"
#include "kernel/procfs.h"
#include "kernel/socket_options.h"

bool listeners_is_unix(int fd)
{
	return socket_option_int(fd, SOL_SOCKET, SO_DOMAIN) == AF_UNIX;
}

bool listeners_is_listening(int fd)
{
	const int saved = errno;
	const bool answer = socket_option_int(fd, SOL_SOCKET, SO_ACCEPTCONN) > 0;

	errno = saved;
	return answer;
}

struct search {
	int *fds;
	int count;
	int most;
};

static bool same_socket(int a, int b)
{
	struct stat of_a, of_b;

	return raw_fstat(a, &of_a) == 0 && raw_fstat(b, &of_b) == 0 && of_a.st_ino == of_b.st_ino &&
	       of_a.st_dev == of_b.st_dev;
}

static bool add_listener(int fd, void *context)
{
	struct search *search = context;

	if (!listeners_is_listening(fd))
		return true;
	for (int i = 0; i < search->count; i++) {
		if (same_socket(search->fds[i], fd))
			return true;
	}
	if (search->count < search->most)
		search->fds[search->count++] = fd;
	return search->count < search->most;
}

int listeners_find(int *fds, int most)
{
	struct search search = {fds, 0, most};

	procfs_each_fd(0, add_listener, &search);
	return search.count;
}

static struct flock lock_request(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
}

void listeners_mark_held(int fd)
{
	const int saved = errno;
	struct flock lock = lock_request(F_RDLCK);

	(void)fcntl(fd, F_SETLK, &lock);
	errno = saved;
}

bool listeners_is_held_elsewhere(int fd)
{
	struct flock lock = lock_request(F_WRLCK);

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int listeners_holder(int fd)
{
	struct flock lock = lock_request(F_WRLCK);

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

bool listeners_elect(int fd, int place)
{
	struct flock lock = lock_request(F_WRLCK);

	lock.l_start += 1 + (off_t)place;
	return fcntl(fd, F_SETLK, &lock) == 0;
}

#define UNBLOCKED (O_NONBLOCK | O_APPEND)

bool listeners_unblock(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || flags & O_NONBLOCK)
		return flags >= 0 && flags & O_APPEND;
	return listeners_is_listening(fd) && fcntl(fd, F_SETFL, flags | UNBLOCKED) == 0;
}

void listeners_block_again(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags & ~UNBLOCKED);
}

bool listeners_is_unblocked(int fd)
{
	const int saved = errno;
	const int flags = fcntl(fd, F_GETFL);

	errno = saved;
	return flags >= 0 && (flags & UNBLOCKED) == UNBLOCKED;
}

bool listeners_is_blocking(int fd)
{
	return !(fcntl(fd, F_GETFL) & O_NONBLOCK) || listeners_is_unblocked(fd);
}

static bool is_not_unblocked(int fd, void *context)
{
	bool *found = context;

	*found = listeners_is_unblocked(fd) && listeners_is_listening(fd);
	return !*found;
}

bool listeners_any_unblocked(void)
{
	bool found = false;

	procfs_each_fd(0, is_not_unblocked, &found);
	return found;
}
