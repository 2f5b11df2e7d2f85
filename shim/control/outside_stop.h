/* SPDX-License-Identifier: MIT */
/* Owns a stop signal that a worker gets from outside its server. A service manager sends it to every
 * process of a unit at once (systemd.kill(5), KillMode=control-group), as kill -PID does to a group: that is one
 * stop, which the leader conducts, and no worker leaves for it with a request under way. Sent to the
 * worker alone, it is the worker's own. So it waits until the leader is seen to have got it too, or has
 * had the time for that. */
#ifndef OCTOPUS_OUTSIDE_STOP_H
#define OCTOPUS_OUTSIDE_STOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* From now on such signals of this worker wait. WAKE has its controller call outside_stop_step() soon; it
 * runs in a signal handler, and returns -errno if there is no controller. Context: normal. */
void outside_stop_begin(int (*wake)(void));

/* In a handler for SIG, of a worker. Returns true if the signal waits; else it is the server's.
 * Context: any. */
bool outside_stop_note(int sig, siginfo_t *info);

/* Drops what the leader conducts, and sends again what it does not. Returns in how many ms to look again
 * (INT64_MAX: nothing waits). Context: the controller. */
int64_t outside_stop_step(void);

/* True if a signal waits. Context: any. */
bool outside_stop_waits(void);

/* Resets this module in the child of a fork. Context: any. */
void outside_stop_forked(void);

#endif
