/* SPDX-License-Identifier: MIT */
/* Owns how long a new version that waits for clients somewhere may still be about to wait for them
 * elsewhere. Pure. */
#ifndef OCTOPUS_SETTLING_H
#define OCTOPUS_SETTLING_H

#include <stdint.h>

/* All times are in ms, and points of time are monotonic. */
struct settling {
	int64_t first_wait;    /* when */
	int64_t timeout;       /* after that */
	int64_t ready_timeout; /* how long the predecessor is patient in all */
	int64_t ready_until;   /* until when; 0: nobody waits */
};

/* Returns when the new version is to take over with what it has. That is soon enough for the
 * predecessor to hear of it, unless TIMEOUT is longer than the predecessor is patient at all: then
 * the predecessor gives the new version up rather than an address. Context: any. */
int64_t settling_end(const struct settling *settling);

#endif
