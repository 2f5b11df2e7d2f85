/* SPDX-License-Identifier: MIT */
/* Owns where the leader stands in the life of its generation (lifecycle.h): the state, its
 * deadline, and the phase that the workers follow. */
#ifndef OCTOPUS_LEADER_STATE_H
#define OCTOPUS_LEADER_STATE_H

#include <stdint.h>

#include "generation/lifecycle.h"
#include "generation/news.h"

#define NEVER INT64_MAX

/* The present state. Context: any (an exiting thread may ask). */
enum life_state leader_state(void);

/* Context: the controller. */
void leader_state_set(enum life_state state);

/* The present state times out in IN_MS, or never (NEVER). Context: the controller. */
void leader_state_set_deadline(int64_t in_ms);

/* The deadline of the present state, in monotonic ms, or NEVER. Context: the controller. */
int64_t leader_state_deadline(void);

/* Sets the phase in the news and tells the workers. Context: the controller, or an exiting thread. */
void leader_state_set_phase(enum generation_phase phase);

/* Resets the state in the child of a fork. Context: any. */
void leader_state_forked(void);

#endif
