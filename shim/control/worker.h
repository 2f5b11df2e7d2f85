/* SPDX-License-Identifier: MIT */
/* Owns the controller's work in a worker, which follows the leader through its news. */
#ifndef OCTOPUS_WORKER_H
#define OCTOPUS_WORKER_H

#include <stdbool.h>
#include <stdint.h>

/* Does one round. Returns how long to sleep, at most MOST_MS, in ms (INT64_MAX: until the bell
 * rings). Context: the controller. */
int64_t worker_step(int64_t most_ms);

/* True if this process is left of a candidate that has failed: it leaves in order, and does not lead on.
 * Context: the controller. */
bool worker_is_stillborn(void);

/* True if there is nothing to do until the leader says something new. Context: any. */
bool worker_is_idle(void);

/* Resets the worker in the child of a fork. Context: any. */
void worker_forked(void);

#endif
