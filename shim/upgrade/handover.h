/* SPDX-License-Identifier: MIT */
/* The hand-over, seen from the predecessor: what a successor inherits, and what became of it. */
#ifndef OCTOPUS_HANDOVER_H
#define OCTOPUS_HANDOVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "generation/generation.h"

/* Starts a successor with this process's listeners. The page of the new generation is in
 * *ret_page, and stays the caller's until handover_finish(). Returns 0, or -errno after a log line
 * that says what is wrong. Context: the controller. */
int handover_begin(struct generation_page **ret_page);

/* Lets a successor go that is ready, or ends one that is not, with all its processes.
 * Context: the controller. */
void handover_finish(struct generation_page *page, bool is_good);

#endif
