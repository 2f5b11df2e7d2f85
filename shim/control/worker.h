/* SPDX-License-Identifier: MIT */
/* What the controller does in a worker: it follows the leader through the generation page. */
#ifndef OCTOPUS_WORKER_H
#define OCTOPUS_WORKER_H

#include <stdint.h>

/* One round. Returns how long to sleep at most, in ms (INT64_MAX: until the bell).
 * Context: the controller. */
int64_t worker_step(void);

/* In the child of a fork, which has its own affairs. Context: any. */
void worker_forked(void);

#endif
