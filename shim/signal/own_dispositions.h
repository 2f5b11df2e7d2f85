/* SPDX-License-Identifier: MIT */
/* Owns what the server itself wants for each signal while Octopus has the signal: remembered when it is taken and when
 * the server sets it, read back to the server, and put in force when the drain is over. */
#ifndef OCTOPUS_OWN_DISPOSITIONS_H
#define OCTOPUS_OWN_DISPOSITIONS_H

#include <signal.h>
#include <stdbool.h>

/* What the server wants for SIG, a valid one. Context: any. */
struct sigaction own_disposition_of(int sig);

/* The server wants ACTION for SIG from now on. Context: any, one thread at a time for each signal. */
void own_disposition_remember(int sig, const struct sigaction *action);

/* True if ACTION is a handler, neither SIG_DFL nor SIG_IGN. Context: any. */
static inline bool own_disposition_is_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

#endif
