/* SPDX-License-Identifier: MIT */
#include "kernel/masks.h"

#include <sys/types.h>

#include "base/raw_syscall.h"
#include "kernel/procfs.h"
#include "kernel/procfs_task.h"

struct masks {
	pid_t self;
	uint64_t blocked; /* by all other threads */
};

static void look_at(pid_t tid, void *context)
{
	struct masks *masks = context;
	uint64_t mask;

	if (tid == masks->self)
		return;
	if (procfs_task_read_mask(tid, "SigBlk:", &mask) == 0)
		masks->blocked &= mask;
}

/* Returns 0, or -errno of /proc. */
static int read_blocked(uint64_t *ret_blocked)
{
	struct masks masks = {(pid_t)RAW0(SYS_gettid), ~0ULL};
	const int error = procfs_each_task(look_at, &masks);

	*ret_blocked = masks.blocked;
	return error;
}

bool masks_block(uint64_t set)
{
	uint64_t blocked;

	return read_blocked(&blocked) != 0 || (blocked & set) != 0;
}

bool masks_surely_block(uint64_t set)
{
	uint64_t blocked;

	return read_blocked(&blocked) == 0 && (blocked & set) != 0;
}
