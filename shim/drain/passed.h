/* SPDX-License-Identifier: MIT */
/* Owns the search for connections that the server has passed on (unix(7), SCM_RIGHTS) to processes that are no
 * members of its generation: programs that it has executed (node's cluster module), or children that do not
 * accept. The kernel says who holds them: a descendant of the leader has a descriptor of a TCP connection whose
 * local port is a listener's. Such a process is told to drain (control/holder.h). Whether it does or cannot,
 * the drain waits for what it holds.
 *
 * A server that has never passed a connection on is not searched: what a helper of its holds then is a copy that
 * it has inherited by mistake. */
#ifndef OCTOPUS_PASSED_H
#define OCTOPUS_PASSED_H

#include <stdbool.h>
#include <stdint.h>

/* A drain begins. Context: the controller. */
void passed_begin(void);

/* Searches if it is time, and tells who holds some. OTHERS_REMAIN: a member has a connection left, which it may
 * still pass on. Returns false when none is left with anybody. Context: the controller, once the process has
 * stopped accepting. */
bool passed_remain(int64_t now, bool others_remain);

/* How many the last search has found. Context: the controller. */
uint32_t passed_count(void);

/* What a holder is told: a listener's port, and whether the drain is a stop. A word has 24 bits (wake_signal.h). */
#define PASSED_PORT 0xffff
#define PASSED_IS_STOP 0x10000

#endif
