/* SPDX-License-Identifier: MIT */
#include "control/presence.h"

#include <stdatomic.h>
#include <sys/resource.h>

#include "base/kept_fd.h"
#include "control/leader.h"
#include "control/leader_state.h"
#include "control/successor.h"
#include "control/worker.h"
#include "generation/generation.h"
#include "generation/lowered.h"
#include "generation/news.h"
#include "kernel/masks.h"
#include "kernel/sandbox.h"
#include "signal/dispositions.h"

/* How often to look whether the predecessor is alive, while there is nothing else to do. */
#define PREDECESSOR_TICK_MS 1000

#define FIRST_LOOK_MS 100

/* A server that blocks and unblocks a signal all the time must not get a thread each time. */
#define MASK_TICK_MS 1000

static struct {
	_Atomic bool has_new_mask;
	int64_t look_ms; /* the controller's: between the last two looks at the masks */
} presence;

void presence_note_mask(void)
{
	atomic_store(&presence.has_new_mask, true);
}

void presence_forked(void)
{
	atomic_store(&presence.has_new_mask, false);
	presence.look_ms = 0;
}

/* While all threads of the server block a signal that is ours, only this one can take it. The
 * server may have blocked it for a moment only, so this looks again, less and less often. */
static bool is_needed_for_signals(int64_t *ret_wait_ms)
{
	if (atomic_exchange(&presence.has_new_mask, false)) {
		*ret_wait_ms = MASK_TICK_MS;
		return true;
	}
	if (!masks_block(dispositions_taken())) {
		presence.look_ms = 0;
		return false;
	}
	presence.look_ms = presence.look_ms ? 2 * presence.look_ms : FIRST_LOOK_MS;
	*ret_wait_ms = presence.look_ms;
	return true;
}

bool presence_is_needed_in_worker(void)
{
	return generation_predecessor_may_ring() || !worker_is_idle() || kept_fd_exists();
}

/* haproxy limits its processes, and so its threads, to 0 when it gives up root: there would be no drain. */
static bool could_not_come_again(void)
{
	struct rlimit limit;

	return lowered.has_no_root && !sandbox_deadly_for_controller(SANDBOX_RESOURCES) &&
	       getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur == 0;
}

bool presence_is_needed(int64_t *wait_ms)
{
	if (*wait_ms != NEVER || could_not_come_again())
		return true;
	/* It rings when it stops accepting, and when it leaves. */
	if (generation_predecessor_may_ring()) {
		*wait_ms = PREDECESSOR_TICK_MS;
		return true;
	}
	if (atomic_load(&generation.role) != ROLE_LEADER)
		return !worker_is_idle();
	return leader_is_at_work() || successor_bell() || !atomic_load(&news()->is_ready) ||
	       is_needed_for_signals(wait_ms);
}
