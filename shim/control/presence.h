/* SPDX-License-Identifier: MIT */
/* Owns the question whether the controller's thread must stay although it has nothing to do, because
 * there may be news of which nobody can tell the process by a signal. */
#ifndef OCTOPUS_PRESENCE_H
#define OCTOPUS_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

/* The last round said to sleep for *WAIT_MS (NEVER: until the bell rings). Returns true if the thread
 * must stay, and shortens *WAIT_MS to the time until the next look. Context: the controller. */
bool presence_is_needed(int64_t *wait_ms);

/* True if a worker needs the thread from its start on. Context: any. */
bool presence_is_needed_in_worker(void);

/* A thread of the server has blocked a signal that Octopus has taken. Context: any. */
void presence_note_mask(void);

/* Resets this module in the child of a fork. Context: any. */
void presence_forked(void);

#endif
