/* SPDX-License-Identifier: MIT */
/* Owns the doorbell of a generation: the one page that all its processes may write. Its value tells
 * nothing: whoever rings asks the leader to look for itself. So a process that spoils it can wake
 * the leader for nothing, or make a ring late; the leader looks at least every DOORBELL_TICK_MS while
 * it waits for others.
 *
 * Beside the bell there is what a process says that has no page of its own (hints.h), as a child of a
 * raw clone(2): one bit for each enum hint_flag. */
#ifndef OCTOPUS_DOORBELL_H
#define OCTOPUS_DOORBELL_H

#include <stdint.h>

#include "base/bell.h"

#define DOORBELL_TICK_MS 1000

struct doorbell {
	bell bell;
	_Atomic uint32_t flags;
};

/* NULL before the first listen(). Written once, and inherited by fork. */
extern struct doorbell *doorbell;

/* Maps the page. Returns 0 or -errno. Context: any. */
int doorbell_make(void);

/* Asks the leader to look. Context: any. */
void doorbell_ring(void);

#endif
