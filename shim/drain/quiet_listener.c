/* SPDX-License-Identifier: MIT */
#include "drain/quiet_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "generation/generation.h"
#include "kernel/caller_memory.h"
#include "kernel/listeners.h"
#include "kernel/socket_identity.h"

/* The controller writes it once, when it stops accepting. A fork's child inherits it. */
static struct {
	_Atomic bool is_complete; /* the table does not change any more */
	int count;
	int fds[GENERATION_LISTENERS];
	bool was_blocking[GENERATION_LISTENERS];
	struct timeval limits[GENERATION_LISTENERS];  /* SO_RCVTIMEO */
	uint64_t replaced[GENERATION_LISTENERS];      /* the socket that was replaced, */
	_Atomic uint64_t quiet[GENERATION_LISTENERS]; /* and the one in its place; 0: none */
	struct sockaddr_storage addresses[GENERATION_LISTENERS];
	socklen_t lengths[GENERATION_LISTENERS];
} table;

__thread struct poller quiet_listener_poller = {.too_late_fd = -1};

void quiet_listener_note_too_late(int fd)
{
	quiet_listener_poller.too_late_fd = fd;
}

bool quiet_listener_thread_wants_to_wait(int fd)
{
	return !quiet_listener_poller.was_told || quiet_listener_poller.too_late_fd == fd;
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
	    libc_calls.listen(fd, SOMAXCONN) == 0)
		return fd;
	error = -errno;
	libc_calls.close(fd);
	return error;
}

bool quiet_listener_remember(int fd)
{
	const int at = table.count;
	socklen_t length = sizeof(table.addresses[0]), limit_length = sizeof(table.limits[0]);

	memset(&table.addresses[at], 0, sizeof(table.addresses[at]));
	table.fds[at] = fd;
	table.was_blocking[at] = listeners_is_blocking(fd);
	table.replaced[at] = socket_identity(fd);
	(void)libc_calls.getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &table.limits[at], &limit_length);
	if (libc_calls.getsockname(fd, (void *)&table.addresses[at], &length) == 0) {
		table.lengths[at] = length;
		table.count++;
	}
	return table.count < GENERATION_LISTENERS;
}

void quiet_listener_complete_table(void)
{
	atomic_store_explicit(&table.is_complete, true, memory_order_release);
}

bool quiet_listener_table_is_complete(void)
{
	return atomic_load_explicit(&table.is_complete, memory_order_acquire);
}

int quiet_listener_count(void)
{
	return table.count;
}

const int *quiet_listener_fds(void)
{
	return table.fds;
}

const struct sockaddr *quiet_listener_address(int index)
{
	return (const void *)&table.addresses[index];
}

/* A listener that a dup of it has made quiet already, or -1. */
static int find_same(int index)
{
	for (int i = 0; i < index; i++) {
		if (table.replaced[i] == table.replaced[index] && table.quiet[i])
			return table.fds[i];
	}
	return -1;
}

void quiet_listener_put(int index, bool blocks, int spare_fd, const struct epoll_sets *sets)
{
	const struct timeval *limit = &table.limits[index];
	const int same = find_same(index);
	const int type = blocks && table.was_blocking[index] ? 0 : SOCK_NONBLOCK;
	const int made = same < 0 ? quiet_listener_make(type) : -1;
	const int quiet = same >= 0 ? same : made >= 0 ? made : spare_fd;

	if (made >= 0 && (limit->tv_sec || limit->tv_usec))
		(void)setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, limit, sizeof(*limit));
	atomic_store(&table.quiet[index], socket_identity(quiet));
	(void)epoll_sets_replace(sets, table.fds[index], quiet);
	if (made >= 0)
		libc_calls.close(made);
}

void quiet_listener_block(int spare_fd)
{
	const uint64_t spare = socket_identity(spare_fd);

	for (int i = 0; i < table.count; i++) {
		const int fd = table.fds[i];
		const int flags = fcntl(fd, F_GETFL);

		if (table.was_blocking[i] && quiet_listener_is_quiet(i) &&
		    table.quiet[i] != spare && flags >= 0)
			(void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	}
}

int quiet_listener_find(int fd)
{
	if (!quiet_listener_table_is_complete())
		return -1;
	for (int i = 0; i < table.count; i++) {
		if (table.fds[i] == fd)
			return i;
	}
	return -1;
}

bool quiet_listener_has(int fd)
{
	const int index = quiet_listener_find(fd);

	return index >= 0 &&
	       (quiet_listener_is_quiet(index) || socket_identity(fd) == table.replaced[index]);
}

bool quiet_listener_is_quiet(int index)
{
	const uint64_t quiet = atomic_load(&table.quiet[index]);

	return quiet && socket_identity(table.fds[index]) == quiet;
}

bool quiet_listener_was_blocking(int index)
{
	return table.was_blocking[index];
}

bool quiet_listener_has_limit(int index)
{
	return table.limits[index].tv_sec || table.limits[index].tv_usec;
}

/* Copies SIZE bytes to where the kernel has just written the quiet listener's own name, which is of
 * PRESENT bytes. */
static bool overwrite(struct sockaddr *address, const void *from, size_t size, size_t present)
{
	if (size > present)
		return caller_memory_put(address, from, size);
	memcpy(address, from, size);
	return true;
}

/* The kernel judges the server's pointers, as they are. Newer ones tell the length of a name before
 * they find that they cannot write it. */
static int get_replaced(int fd, const void *name, socklen_t full, struct sockaddr *address,
                        socklen_t *length)
{
	const socklen_t room = *length;
	int result = libc_calls.getsockname(fd, address, length);

	if (result == 0 && !overwrite(address, name, room < full ? room : full, *length)) {
		*length = room;
		result = libc_calls.getsockname(fd, (void *)UINTPTR_MAX, length);
	}
	if (result == 0 || *length != room)
		*length = full;
	return result;
}

int quiet_listener_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	const int index = quiet_listener_find(fd);

	if (index < 0 || !caller_memory_is_readable(length, sizeof(*length)) ||
	    !quiet_listener_is_quiet(index))
		return libc_calls.getsockname(fd, address, length);
	return get_replaced(fd, &table.addresses[index], table.lengths[index], address, length);
}
