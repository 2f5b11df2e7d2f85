/* SPDX-License-Identifier: MIT */
#include "drain/quiet_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "generation/generation.h"
#include "kernel/listeners.h"
#include "signal/restart.h"

/* The controller writes it once, when it stops accepting. A fork's child inherits it. */
static struct {
	_Atomic bool is_complete; /* the table does not change any more */
	int count;
	int fds[GENERATION_LISTENERS];
	bool was_blocking[GENERATION_LISTENERS];
	struct sockaddr_storage addresses[GENERATION_LISTENERS];
	socklen_t lengths[GENERATION_LISTENERS];
} replaced;

static __thread bool thread_polls;

bool quiet_listener_thread_polls(void)
{
	return thread_polls;
}

void quiet_listener_note_poller(void)
{
	thread_polls = true;
}

int quiet_listener_make(int extra_type)
{
	const struct sockaddr autobind = {.sa_family = AF_UNIX};
	int error = failpoint("quiet_listener");
	const int fd =
		error ? -1 : libc_calls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | extra_type, 0);

	if (fd < 0)
		return error ? error : -errno;
	if (libc_calls.bind(fd, &autobind, sizeof(sa_family_t)) == 0 &&
	    libc_calls.listen(fd, 1) == 0)
		return fd;
	error = -errno;
	libc_calls.close(fd);
	return error;
}

bool quiet_listener_remember(int fd)
{
	const int at = replaced.count;
	socklen_t length = sizeof(replaced.addresses[0]);

	memset(&replaced.addresses[at], 0, sizeof(replaced.addresses[at]));
	replaced.fds[at] = fd;
	replaced.was_blocking[at] = !(fcntl(fd, F_GETFL) & O_NONBLOCK);
	if (libc_calls.getsockname(fd, (void *)&replaced.addresses[at], &length) == 0) {
		replaced.lengths[at] = length;
		replaced.count++;
	}
	return replaced.count < GENERATION_LISTENERS;
}

void quiet_listener_complete_table(void)
{
	atomic_store_explicit(&replaced.is_complete, true, memory_order_release);
}

bool quiet_listener_table_is_complete(void)
{
	return atomic_load_explicit(&replaced.is_complete, memory_order_acquire);
}

int quiet_listener_count(void)
{
	return replaced.count;
}

const int *quiet_listener_fds(void)
{
	return replaced.fds;
}

const struct sockaddr *quiet_listener_address(int index)
{
	return (const void *)&replaced.addresses[index];
}

static int find_listener(int fd)
{
	for (int i = 0; i < replaced.count; i++) {
		if (replaced.fds[i] == fd)
			return i;
	}
	return -1;
}

/* EINVAL: the drain shut the listener down under a thread that it could not wake. EMFILE, ENFILE:
 * the kernel takes a descriptor before it checks for a connection. */
static bool is_quiet_error(int error)
{
	return error == EAGAIN || error == EINVAL || error == EMFILE || error == ENFILE;
}

void quiet_listener_accept_failed(int fd)
{
	int quiet, result, error, index;

	/* Until the table is complete, only the controller may read it. Afterwards the drain may
	 * also shut down a listener in it that no quiet listener has replaced. */
	if (!is_quiet_error(errno) || !quiet_listener_table_is_complete())
		return;
	index = find_listener(fd);
	if (index < 0)
		return;
	errno = EAGAIN;
	if (!replaced.was_blocking[index])
		return;
	if (thread_polls) {
		errno = ECONNABORTED;
		return;
	}
	/* Sleep in the kernel, on a quiet listener that blocks, so that the server's signal
	 * handlers have the effect they have on any accept(): a restart, or EINTR. */
	quiet = quiet_listener_make(0);
	if (quiet < 0) {
		do
			(void)libc_calls.pause();
		while (restart_is_due());
		return;
	}
	do
		result = libc_calls.accept(quiet, NULL, NULL);
	while (result < 0 && restart_is_due());
	error = errno;
	libc_calls.close(quiet);
	errno = error;
}

/* False if the server has closed FD and uses the number for something else. */
static bool is_still_quiet(int fd)
{
	struct sockaddr_storage now = {0};
	socklen_t length = sizeof(now);

	return listeners_is_listening(fd) &&
	       libc_calls.getsockname(fd, (void *)&now, &length) == 0 && now.ss_family == AF_UNIX;
}

bool quiet_listener_get_address(int fd, struct sockaddr *address, socklen_t *length)
{
	for (int i = 0; i < replaced.count; i++) {
		if (replaced.fds[i] != fd || !is_still_quiet(fd) || !address || !length)
			continue;
		memcpy(address, &replaced.addresses[i],
		       *length < replaced.lengths[i] ? *length : replaced.lengths[i]);
		*length = replaced.lengths[i];
		return true;
	}
	return false;
}
