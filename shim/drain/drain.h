/* SPDX-License-Identifier: MIT */
/* Owns the stages of a drain, which the leader conducts: the accept queue first, then the end of
 * accepting in every process of the generation, then the end of the listeners, then the
 * connections. */
#ifndef OCTOPUS_DRAIN_H
#define OCTOPUS_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/connections.h"

/* Begins a drain. Lets go of each listener that another generation accepts on. Turns new
 * connections away from every other listener, where the kernel allows it; the server still accepts
 * the queued ones. DEADLINE (monotonic ms) is only logged. Context: the controller. */
void drain_begin(int64_t deadline);

/* Goes on as far as possible. Returns true when no accepted connection is left; else sets
 * *ret_wait_ms to the longest time until the next call. Context: the controller. */
bool drain_step(int64_t *ret_wait_ms);

/* True once this process has stopped accepting; it cannot be undone. Context: the controller. */
bool drain_has_stopped_accepting(void);

/* Cancels a drain before this process has stopped accepting. Context: the controller. */
void drain_cancel(void);

/* Closes, in the child of a fork, the listeners that the drain keeps. Context: any. */
void drain_forked(void);

/* What a member knows of its connections. All zero: no scan yet. */
struct drain_view {
	struct connections_scan scan;
	int64_t next_scan;
	bool is_stop; /* so, whatever the news say: where there are none */
};

/* Scans this process's connections if it is time (connections.h). Context: the controller of any
 * member, once the process has stopped accepting. */
void drain_scan(struct drain_view *view);

/* Closes the listeners that a drain cut short still holds. Context: the controller. */
void drain_end(void);

#endif
