/* SPDX-License-Identifier: MIT */
/* Owns what the controller does in the leader. Signals, timers and the news of a successor or a
 * drain become events in the life of the generation (lifecycle.h), and the leader carries out the
 * actions that follow. */
#ifndef OCTOPUS_LEADER_H
#define OCTOPUS_LEADER_H

#include <stdbool.h>
#include <stdint.h>

/* The signals that have come since the last round (signal_set.h). */
struct leader_signals {
	uint64_t pending;
	uint64_t from_terminal; /* of these, sent by the terminal */
	uint64_t
		from_within; /* of these, sent to a young successor by a descendant, or by nobody known */
};

/* Does one round. Returns how long to sleep at most, in ms (INT64_MAX: until the bell rings).
 * Context: the controller. */
int64_t leader_step(const struct leader_signals *signals);

/* True while an upgrade or a drain is under way. Context: any. */
bool leader_is_at_work(void);

/* Resets the leader in the child of a fork. Context: any. */
void leader_forked(void);

#endif
