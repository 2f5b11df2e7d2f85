/* SPDX-License-Identifier: MIT */
/* Owns the predecessor's side of a hand-over, which starts a candidate and lets it go or ends
 * it. */
#ifndef OCTOPUS_HANDOVER_H
#define OCTOPUS_HANDOVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "generation/generation.h"

/* Starts a candidate with this process's listeners. Stores the page of the new generation in
 * *ret_page; the caller owns it. Returns 0, or -errno after a log line that says what is wrong.
 * Context: the controller. */
int handover_begin(struct generation_page **ret_page);

/* Lets a candidate that IS_GOOD go; ends any other one with all its processes. PAGE stays the
 * caller's. Context: the controller. */
void handover_finish(struct generation_page *page, bool is_good);

#endif
