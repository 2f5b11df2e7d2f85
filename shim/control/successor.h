/* SPDX-License-Identifier: MIT */
/* Owns the one candidate for the succession, from its start until it is accepted and let go, or cleared away. */
#ifndef OCTOPUS_SUCCESSOR_H
#define OCTOPUS_SUCCESSOR_H

#include <stdbool.h>

#include "base/bell.h"
#include "base/settings.h"

/* Starts a candidate, tells the workers (PHASE_HANDING_OVER), and remembers that it is to do what REQUEST says when it is ready. Returns 0, or -errno after a log line that says
 * what is wrong. Context: the controller. */
int successor_start(enum request request);

/* What the candidate was started for. Context: the controller. */
enum request successor_request(void);

/* True from successor_start() until the candidate is let go or cleared away. Context: the controller. */
bool successor_is_candidate(void);

/* True if the candidate serves. Context: the controller. */
bool successor_is_ready(void);

/* True if the candidate's whole family has ended, or its leader has: workers without a master are no successor.
 * Context: the controller. */
bool successor_is_dead(void);

/* One log line that says why the candidate is no more, or is to be no more because its time is over.
 * Context: the controller. */
void successor_explain_failure(bool has_timed_out);

/* Ends the candidate with all its processes, and tells the workers (PHASE_SERVING). Context: the controller. */
void successor_clear_away(void);

/* The candidate serves: it is the generation's successor now. An earlier one that serves beside us goes its own way.
 * Context: the controller. */
void successor_accept(void);

/* Lets the candidate go, if there is one: from here on it lives on its own. Context: the controller. */
void successor_release(void);

/* Sends SIG to the successor's leader if a Ctrl-C does not reach it: while this process lives, the successor
 * has a process group of its own. Context: the controller. */
void successor_pass_on(int sig);

/* The bell that the next round may have to come for: the candidate's until it is accepted, else this generation's. It
 * stays valid until the round after. Context: the controller. */
bell *successor_bell(void);

/* In the child of a fork, which has none. Context: any. */
void successor_forked(void);

#endif
