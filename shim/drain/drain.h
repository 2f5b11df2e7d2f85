/* SPDX-License-Identifier: MIT */
/* Owns the stages of a drain, as the leader conducts it: the accept queue first, then the end of accepting in every
 * process of the generation, then the end of the listeners, then the connections. */
#ifndef OCTOPUS_DRAIN_H
#define OCTOPUS_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/connections.h"

/* A listener that another generation accepts on is just let go; with any other, new SYNs are turned
 * away, and what is already queued is still accepted. DEADLINE (monotonic ms) is only logged. Context: the controller. */
void drain_begin(int64_t deadline);

/* Goes on as far as it can. Returns true when nothing that was accepted is left; else *ret_wait_ms
 * says when to come again at the latest. Context: the controller. */
bool drain_step(int64_t *ret_wait_ms);

/* True once this process accepts no more: there is no way back. Context: the controller. */
bool drain_has_stopped_accepting(void);

/* Gives a drain up before this process has stopped accepting. Context: the controller. */
void drain_cancel(void);

/* What a member knows of its connections. All zero: it has not looked yet. */
struct drain_view {
	struct connections_look look;
	int64_t next_look;
};

/* Looks at this process's connections if it is time for it: ends and follows them (connections.h). Context: the
 * controller of any member, once the process has stopped accepting. */
void drain_look(struct drain_view *view);

/* Tells the log who is left, if anybody is. Context: the controller, once the process has stopped accepting. */
void drain_report_left(void);

/* Lets go of what a drain that was cut short still holds. Context: the controller. */
void drain_end(void);

#endif
