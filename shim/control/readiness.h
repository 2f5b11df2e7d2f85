/* SPDX-License-Identifier: MIT */
/* Owns when this generation is ready, and how its predecessor, the log and the pid file learn of
 * it. */
#ifndef OCTOPUS_READINESS_H
#define OCTOPUS_READINESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Announces this generation once it is ready. Returns in how many ms to check again; INT64_MAX: no
 * need. Context: the controller. */
int64_t readiness_check(int64_t now);

/* Tells the predecessor, if there is one, that this generation is ready, and that LEADER leads it.
 * Context: the controller. */
void readiness_tell(pid_t leader);

/* Writes the pid to signal into the pid file and the log. Context: the controller. */
void readiness_report_pid(void);

/* True in a successor that has been ready for less than a second, or is not yet. Context: any. */
bool readiness_is_young(void);

/* Resets this module in the child of a fork. Context: any. */
void readiness_forked(void);

#endif
