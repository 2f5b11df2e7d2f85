/* SPDX-License-Identifier: MIT */
/* What the controller does in the leader: signals, timers and the news of a successor or a drain become
 * events of the life of the generation (lifecycle.h), and the actions that come back are carried out. */
#ifndef OCTOPUS_LEADER_H
#define OCTOPUS_LEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bell.h"

/* One round. PENDING are the signals that have come since the last one (bit N-1), FROM_TERMINAL those of
 * them that the terminal sent. Returns how long to sleep at most, in ms (INT64_MAX: until the bell).
 * Context: the controller. */
int64_t leader_step(uint64_t pending, uint64_t from_terminal);

/* The bell that the next round may have to come for: that of the successor while it is being born. It stays
 * valid until the round after. Context: the controller. */
bell *leader_bell(void);

/* An upgrade or a drain is under way. Context: any. */
bool leader_is_at_work(void);

/* Tells the pid file and the log whom to signal. Context: the controller. */
void leader_report_pid(void);

/* The process is about to exit. Context: any. */
void leader_on_exit(void);

/* In the child of a fork, which begins as if there had been none. Context: any. */
void leader_forked(void);

#endif
