/* SPDX-License-Identifier: MIT */
/* Owns the signals that the leader has received and not acted on yet. */
#ifndef OCTOPUS_RECEIVED_SIGNALS_H
#define OCTOPUS_RECEIVED_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#include "control/leader.h"

/* Records SIG, with what INFO says of its origin, and tells the workers of a stop. The second undoes the first. Context: any. */
void received_signals_add(int sig, const siginfo_t *info);
void received_signals_remove(int sig);

/* True if one is recorded. Context: any. */
bool received_signals_wait(void);

/* Takes out all that are recorded. Context: the controller. */
struct leader_signals received_signals_take(void);

/* Forgets all, in the child of a fork. Context: any. */
void received_signals_forked(void);

#endif
