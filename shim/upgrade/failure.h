/* SPDX-License-Identifier: MIT */
/* Owns the log line that says why an upgrade failed. */
#ifndef OCTOPUS_FAILURE_H
#define OCTOPUS_FAILURE_H

#include <stdbool.h>

#include "generation/birth.h"

/* Logs why the candidate could not be executed, from spawn_report. Context: the controller. */
void failure_explain_start(void);

/* Logs why the candidate, whose words are BIRTH, has ended, or that Octopus ends it because its time
 * is over. MANIFEST is what it was told. LEADER is the process that led it, or 0. Context: the controller. */
void failure_explain_end(const struct birth *birth, const struct manifest *manifest, pid_t leader,
                         bool has_timed_out);

/* True, and logged, if the server's own seccomp filter would have the kernel kill it for starting a
 * candidate. Context: the controller. */
bool failure_in_sandbox(void);

/* True, and logged, if no candidate could begin where the server is now: it has another root directory,
 * or is a user who cannot read the library. Context: the controller. */
bool failure_of_place(void);

/* Logs as whom the candidate runs, if the server has given up root. Context: the controller. */
void failure_warn_of_user(void);

/* Logs that no process could be made; ERROR is clone(2)'s errno. Context: the controller. */
void failure_explain_clone(int error);

#endif
