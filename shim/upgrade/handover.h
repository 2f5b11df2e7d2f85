/* SPDX-License-Identifier: MIT */
/* Owns the predecessor's side of a hand-over, which starts a candidate and lets it go or ends
 * it. */
#ifndef OCTOPUS_HANDOVER_H
#define OCTOPUS_HANDOVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "generation/generation.h"

/* Starts a candidate with this process's listeners. Stores the words that it shares with this one in
 * *ret_birth; the caller owns them. Returns 0, or -errno after a log line that says what is wrong.
 * Context: the controller. */
int handover_begin(struct birth **ret_birth);

/* What the last candidate was told, in this process's own memory. Context: the controller. */
const struct manifest *handover_manifest(void);

/* Nobody gets anything more of it. Context: the controller. */
void handover_stop_giving(void);

/* In the child of a fork. Context: any. */
void handover_forked(void);

/* Lets a candidate that IS_GOOD go; ends any other one with all its processes. Context: the controller. */
void handover_finish(bool is_good);

#endif
