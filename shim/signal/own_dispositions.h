/* SPDX-License-Identifier: MIT */
/* Owns the server's own dispositions of the signals that Octopus has taken. Octopus remembers them
 * when it takes a signal and when the server sets one, returns them when the server asks, and puts
 * them in force when the drain is over. */
#ifndef OCTOPUS_OWN_DISPOSITIONS_H
#define OCTOPUS_OWN_DISPOSITIONS_H

#include <signal.h>
#include <stdbool.h>

/* Returns the server's own disposition of SIG, a valid signal. Context: any. */
struct sigaction own_disposition_of(int sig);

/* Remembers ACTION as the server's own disposition of SIG. Context: any, one thread at a time for
 * each signal. */
void own_disposition_remember(int sig, const struct sigaction *action);

/* The first notes that a handler of the server's has run for a taken signal, and has interrupted a
 * call of this thread. The second returns whether that was noted, and forgets it.
 * Context: any, a signal handler too. */
void own_disposition_note_interrupt(void);
bool own_disposition_has_interrupted(void);

/* True if ACTION is a handler, neither SIG_DFL nor SIG_IGN. Context: any. */
static inline bool own_disposition_is_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

#endif
