/* SPDX-License-Identifier: MIT */
#include "kernel/masks.h"

#include <sys/types.h>

#include "base/raw_syscall.h"
#include "base/text.h"
#include "kernel/procfs.h"

struct masks {
	pid_t self;
	uint64_t blocked; /* by all other threads */
};

static void look_at(pid_t tid, void *context)
{
	struct masks *masks = context;
	char path[64];
	uint64_t mask;

	if (tid == masks->self)
		return;
	text_format(path, sizeof(path), "/proc/self/task/%d/status", tid);
	if (procfs_read_mask(path, "SigBlk:", &mask) == 0)
		masks->blocked &= mask;
}

bool masks_block(uint64_t set)
{
	struct masks masks = {(pid_t)RAW0(SYS_gettid), ~0ULL};

	return procfs_each_task(look_at, &masks) != 0 || (masks.blocked & set) != 0;
}
