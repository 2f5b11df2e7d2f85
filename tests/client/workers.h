/* SPDX-License-Identifier: MIT */
/* Owns the threads that make requests, and when they stop. */
#ifndef TESTS_CLIENT_WORKERS_H
#define TESTS_CLIENT_WORKERS_H

#include "target.h"

#include <stdbool.h>

struct workers_plan {
	struct target target;
	int count;
	long requests; /* in all, -1 for any number */
	int pause_ms;
	int timeout_ms;
	bool is_until_refused;
	bool is_watching_rests; /* an end during a rest is seen before the next request */
};

/* Starts the workers. PLAN has to live as long as they do. Prints `running` when each of them
 * has had an answer. Returns a descriptor that becomes readable when all have ended, or -1. */
int workers_start(const struct workers_plan *plan);

/* Lets each worker finish the request that it is at, and waits for all. */
void workers_stop(void);

#endif
