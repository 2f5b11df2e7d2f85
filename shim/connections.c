/* SPDX-License-Identifier: MIT */
#include "connections.h"
#include "interpose.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "listeners.h"
#include "procfs.h"
#include "silence.h"

_Atomic int connections_watched_fd = -1;

/* Closed by the peer and not yet by the server still counts; reset does not (getpeername(2):
 * ENOTCONN), nor does a listener. */
static bool is_connection(int fd)
{
	struct sockaddr_storage local, peer;
	socklen_t local_length = sizeof(local), peer_length = sizeof(peer);

	memset(&local, 0, sizeof(local));
	if (libc_calls.getsockname(fd, (void *)&local, &local_length) != 0)
		return false;
	for (int i = 0; i < silence_address_count(); i++) {
		if (listeners_matches_connection(silence_address(i), (const void *)&local))
			return getpeername(fd, (void *)&peer, &peer_length) == 0;
	}
	return false;
}

static bool find_first(int fd, void *context)
{
	if (!is_connection(fd))
		return true;
	*(int *)context = fd;
	return false;
}

static bool watch_from(int first)
{
	for (;;) {
		int found = -1;

		procfs_each_fd(first, find_first, &found);
		atomic_store(&connections_watched_fd, found);
		if (found < 0)
			return false;
		/* It may have been closed before it was watched, and the bell not rung. */
		if (is_connection(found))
			return true;
		first = found + 1;
	}
}

bool connections_remain(void)
{
	const int watched = atomic_load(&connections_watched_fd);

	if (watched >= 0 && is_connection(watched))
		return true;
	/* Nothing new is accepted, so the lower numbers have been seen, unless a descriptor was
	 * moved: before the last word all are looked at. */
	return (watched >= 0 && watch_from(watched + 1)) || watch_from(0);
}

static bool count_one(int fd, void *context)
{
	*(int *)context += is_connection(fd);
	return true;
}

int connections_count(void)
{
	int count = 0;

	procfs_each_fd(0, count_one, &count);
	return count;
}
