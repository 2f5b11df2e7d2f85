/* SPDX-License-Identifier: MIT */
#include "generation/generation.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/interpose.h"
#include "generation/doorbell.h"
#include "generation/news.h"
#include "kernel/address.h"
#include "kernel/procfs.h"

struct generation generation;

void generation_inherit(const struct manifest *manifest)
{
	generation.lineage = (struct lineage){
		.predecessor = {manifest->predecessor, manifest->predecessor_start},
		.group = manifest->group,
		.number = manifest->number,
		.blocked = manifest->blocked,
		.outer = manifest->outer,
		.is_sibling = atomic_load(&atomic_load(&generation.birth)->is_sibling),
	};
}

bool generation_is_known(void)
{
	return atomic_load(&news_page) || generation.lineage.predecessor.pid > 0;
}

bool generation_is_being_born(void)
{
	return generation.lineage.predecessor.pid > 0 && !atomic_load(&news()->is_ready);
}

bool generation_is_heir(void)
{
	const pid_t leader = atomic_load(&news()->leader);

	if (libc_calls.getppid() == generation.fork_parent)
		return false;
	return leader == 0 || procfs_is_dead(leader);
}

bool generation_may_come_to_lead(void)
{
	return generation.is_daemonizing && (generation.daemon == generation.pid ||
	                                     libc_calls.getppid() != generation.fork_parent);
}

/* A daemon's parent passes the lead on to its child, which says so in the words: they can make a
 * successor seem to live, and never name a process to signal. */
bool generation_successor_lives(void)
{
	const struct successor *successor = atomic_load(&generation.successor);
	pid_t leader;

	if (!successor || atomic_load(&successor->birth->successor_left))
		return false;
	leader = atomic_load(&successor->birth->leader);
	return atomic_load(&successor->may_have_heir) || leader == 0 ||
	       !process_has_ended(&successor->leader) ||
	       (leader != successor->leader.pid && !procfs_is_dead(leader));
}

bool generation_is_taken_over(uint64_t socket, const struct sockaddr *address, socklen_t length)
{
	const struct successor *successor = atomic_load(&generation.successor);

	if (!generation_successor_lives())
		return false;
	for (uint32_t i = 0; i < successor->listener_count; i++) {
		if (successor->listeners[i].identity == socket)
			return successor->listeners[i].is_claimed;
	}
	for (uint32_t i = 0; i < successor->listener_count; i++) {
		if (successor->listeners[i].is_claimed &&
		    address_is_same(address, length, (const void *)&successor->listeners[i].address,
		                    successor->listeners[i].length, false))
			return true;
	}
	return false;
}

/* Before the generation has a leader, its processes read the predecessor's own words. */
static bool predecessor_holds(void)
{
	const struct birth *birth = atomic_load(&generation.birth);

	if (atomic_load(&news_page))
		return atomic_load(&news()->predecessor_holds);
	return !birth || atomic_load(&birth->predecessor_holds);
}

bool generation_predecessor_serves(void)
{
	return generation.lineage.predecessor.pid > 0 && predecessor_holds() &&
	       !process_has_ended(&generation.lineage.predecessor);
}

bool generation_predecessor_may_ring(void)
{
	return generation.lineage.predecessor.pid > 0 && !atomic_load(&news()->predecessor_left) &&
	       !process_has_ended(&generation.lineage.predecessor);
}

void generation_leave_birth(void)
{
	birth_end(atomic_exchange(&generation.birth, NULL));
}

void generation_forked(void)
{
	generation.fork_parent = generation.pid;
	generation.pid = getpid();
	news_forked();
	/* The memory stays: to unmap it would make the fork slower. */
	atomic_store(&generation.successor, NULL);
	if (generation.is_master) {
		generation.is_master = false;
		news_leave();
		doorbell = NULL;
		atomic_store(&generation.role, ROLE_NONE);
	}
	if (atomic_load(&generation.role) != ROLE_NONE)
		atomic_store(&generation.role, ROLE_WORKER);
}
