/* SPDX-License-Identifier: MIT */
/* Owns the controller's work in a worker, which follows the leader through the generation page. */
#ifndef OCTOPUS_WORKER_H
#define OCTOPUS_WORKER_H

#include <stdint.h>

/* Does one round. Returns how long to sleep at most, in ms (INT64_MAX: until the bell rings).
 * Context: the controller. */
int64_t worker_step(void);

/* Resets the worker in the child of a fork. Context: any. */
void worker_forked(void);

#endif
