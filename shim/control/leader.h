/* SPDX-License-Identifier: MIT */
/* What the controller does in the leader: signals, timers and the news of a successor or a drain become
 * events of the life of the generation (lifecycle.h), and the actions that come back are carried out. */
#ifndef OCTOPUS_LEADER_H
#define OCTOPUS_LEADER_H

#include <stdbool.h>
#include <stdint.h>

/* One round. PENDING are the signals that have come since the last one (signal_set.h), FROM_TERMINAL those of
 * them that the terminal sent. Returns how long to sleep at most, in ms (INT64_MAX: until the bell).
 * Context: the controller. */
int64_t leader_step(uint64_t pending, uint64_t from_terminal);

/* True while an upgrade or a drain is under way. Context: any. */
bool leader_is_at_work(void);

/* In the child of a fork, which begins as if there had been none. Context: any. */
void leader_forked(void);

#endif
