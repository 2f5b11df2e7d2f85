/* SPDX-License-Identifier: MIT */
/* Owns the one candidate, from its start until it is accepted and let go, or cleared away. */
#ifndef OCTOPUS_SUCCESSOR_H
#define OCTOPUS_SUCCESSOR_H

#include <stdbool.h>

#include "base/bell.h"
#include "base/settings.h"

/* Starts a candidate, sets PHASE_HANDING_OVER for the workers, and remembers REQUEST for the time
 * when the candidate is ready. Returns 0, or -errno after a log line that says what is wrong.
 * Context: the controller. */
int successor_start(enum request request);

/* The request for which the candidate was started. Context: the controller. */
enum request successor_request(void);

/* True from successor_start() until the candidate is let go or cleared away.
 * Context: the controller. */
bool successor_is_candidate(void);

/* True if the candidate has announced that it is ready. Context: the controller. */
bool successor_is_ready(void);

/* True if nobody rings the bell when the candidate ends. Context: the controller. */
bool successor_is_unwatched(void);

/* True if all processes of the candidate have ended, or its leader has: workers without a master
 * are no successor. Context: the controller. */
bool successor_is_dead(void);

/* True while it is open whether a worker of an accepted candidate, whose leader has ended, leads on: this
 * generation must not stop accepting. Context: the controller. */
bool successor_is_in_doubt(void);

/* Logs why the candidate has failed, or, with HAS_TIMED_OUT, that its time is over.
 * Context: the controller. */
void successor_explain_failure(bool has_timed_out);

/* Ends the candidate with all its processes, and sets PHASE_SERVING for the workers.
 * Context: the controller. */
void successor_clear_away(void);

/* Tells the candidate to stop, as its leader may have accepted connections, or clears it away if nobody
 * leads it yet. Sets PHASE_SERVING. Context: the controller. */
void successor_cancel(void);

/* True while a cancelled candidate lives: it serves what it has accepted. Context: the controller. */
bool successor_is_leaving(void);

/* True while a cancelled candidate may not have stopped accepting; for a second at most. This generation
 * must not stop meanwhile: what comes to the listeners that they share would be nobody's.
 * Context: the controller. */
bool successor_may_still_accept(void);

/* The candidate is ready, and becomes the generation's successor. An earlier successor that serves
 * beside this generation keeps running. Context: the controller. */
void successor_accept(void);

/* Lets the candidate go, if there is one: from here on it lives without its reaper. Ends one that was
 * cancelled, with all its processes.
 * Context: the controller. */
void successor_release(void);

/* Sends SIG to the successor's leader if a Ctrl-C does not reach it, because the successor is in
 * another process group while this process lives. Context: the controller. */
void successor_pass_on(int sig);

/* The candidate's bell, until it is accepted; else NULL. It stays valid until the round after that.
 * Context: the controller. */
bell *successor_bell(void);

/* Resets this module in the child of a fork, which has no candidate. Context: any. */
void successor_forked(void);

#endif
