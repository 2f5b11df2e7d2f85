/* SPDX-License-Identifier: MIT */
/* Owns the drain of a process that is no member of the generation, and holds connections that were passed to it
 * (drain/passed.h). It has no news and no page of hints: the leader tells it by the wake signal (wake_signal.h), and
 * sees in the kernel what it still holds. It ends its idle connections, and its clients are told of the close,
 * as in a worker. It accepts nothing, so it stops nothing else. */
#ifndef OCTOPUS_HOLDER_H
#define OCTOPUS_HOLDER_H

#include <sys/types.h>

#include "signal/wake_signal.h"

/* Before the first word. Context: init. */
void holder_begin(void);

/* SENDER says WORD: BRANCH_DRAIN_PASSED. Drains in a thread, if SENDER is an ancestor of this process.
 * Context: any. */
void holder_hear(struct wake_word word, pid_t sender);

#endif
