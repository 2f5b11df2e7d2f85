/* SPDX-License-Identifier: MIT */
/* Owns how a generation gets another leader: the child of a daemon's parent that exits, or a worker
 * whose master was killed. It leads itself and the children that it has from then on: whom the former
 * leader had, only that one knew. */
#ifndef OCTOPUS_HEIR_H
#define OCTOPUS_HEIR_H

#include <stdbool.h>

/* Makes this process the leader, if there is none any more and no other heir was quicker. Returns
 * true if it leads from now on. Context: the controller. */
bool heir_leads_on(void);

/* It has the signals in hand: tells the log, the pid file and the predecessor.
 * Context: the controller. */
void heir_tell(void);

#endif
