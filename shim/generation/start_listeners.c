/* SPDX-License-Identifier: MIT */
#include "generation/start_listeners.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "generation/generation.h"
#include "generation/start_fds.h"
#include "kernel/listeners.h"
#include "kernel/socket_identity.h"

#define MOST 16

_Atomic int start_listeners_count;

/* Written before the first call of a wrapper is over. */
static struct {
	uint64_t identities[MOST]; /* socket_identity.h */
	pid_t self;
} start;

void start_listeners_look(void)
{
	int count = 0;

	start.self = getpid();
	for (int fd = 0; fd < START_FDS_BELOW && count < MOST; fd++) {
		if (start_fds_had(fd) && listeners_is_listening(fd))
			start.identities[count++] = socket_identity(fd);
	}
	atomic_store(&start_listeners_count, count);
}

bool start_listeners_has(int fd)
{
	const int count = atomic_load(&start_listeners_count);
	const uint64_t identity = count > 0 ? socket_identity(fd) : 0;

	for (int i = 0; identity && i < count; i++) {
		if (start.identities[i] == identity)
			return true;
	}
	return false;
}

bool start_listeners_is_own(int fd)
{
	const int saved = errno;
	bool is_own = false;

	if (start_listeners_has(fd) && getpid() == start.self) {
		const int holder = listeners_holder(fd);

		is_own = holder == 0 || holder == generation.lineage.predecessor.pid;
	}
	errno = saved;
	return is_own;
}
