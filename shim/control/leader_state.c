/* SPDX-License-Identifier: MIT */
#include "control/leader_state.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "generation/news.h"
#include "signal/wake_signal.h"

/* The controller thread's own, except the state. */
static struct {
	_Atomic int state; /* enum life_state */
	int64_t deadline;
} leader = {.deadline = NEVER};

enum life_state leader_state(void)
{
	return (enum life_state)atomic_load(&leader.state);
}

void leader_state_set(enum life_state state)
{
	atomic_store(&leader.state, state);
}

void leader_state_set_deadline(int64_t in_ms)
{
	leader.deadline = in_ms == NEVER ? NEVER : clock_now_ms() + in_ms;
}

int64_t leader_state_deadline(void)
{
	return leader.deadline;
}

void leader_state_set_phase(enum generation_phase phase)
{
	atomic_store(&news_own()->phase, phase);
	wake_signal_tell();
}

void leader_state_forked(void)
{
	atomic_store(&leader.state, LIFE_SERVING);
	leader.deadline = NEVER;
}
