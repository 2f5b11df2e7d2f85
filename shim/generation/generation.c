/* SPDX-License-Identifier: MIT */
#include "generation/generation.h"

#include <stdatomic.h>
#include <unistd.h>

#include "kernel/address.h"
#include "kernel/procfs.h"

struct generation generation;

bool generation_is_heir(void)
{
	const pid_t leader = atomic_load(&generation.page->leader);

	if (getppid() == generation.fork_parent)
		return false;
	return leader == 0 || procfs_is_dead(leader);
}

bool generation_successor_lives(void)
{
	struct generation_page *successor = atomic_load(&generation.successor);
	pid_t leader;

	if (!successor || atomic_load(&successor->phase) == PHASE_LEFT)
		return false;
	leader =
		atomic_load(&successor->leader); /* 0: passes from a daemon's parent to its child */
	return leader == 0 || !procfs_is_dead(leader);
}

bool generation_is_taken_over(const struct sockaddr *address, socklen_t length)
{
	const struct generation_page *page = atomic_load(&generation.successor);

	if (!generation_successor_lives())
		return false;
	for (uint32_t i = 0; i < page->listener_count; i++) {
		const struct inherited_listener *listener = &page->listeners[i];

		if (atomic_load(&listener->claimed_by) &&
		    address_is_same(address, length, (const void *)&listener->address,
		                    listener->address_length, false))
			return true;
	}
	return false;
}

bool generation_predecessor_serves(void)
{
	const struct generation_page *page = generation.page;

	return page->predecessor > 0 && atomic_load(&page->predecessor_holds) &&
	       !procfs_is_dead(page->predecessor);
}

void generation_forked(void)
{
	generation.fork_parent = generation.pid;
	generation.pid = getpid();
	atomic_store(&generation.membership, NULL);
	/* The page stays mapped: to unmap it would make the fork slower. */
	atomic_store(&generation.successor, NULL);
	if (atomic_load(&generation.role) != ROLE_NONE)
		atomic_store(&generation.role, ROLE_WORKER);
}
