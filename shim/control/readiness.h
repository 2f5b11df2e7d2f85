/* SPDX-License-Identifier: MIT */
/* Owns when this generation is ready, and who learns of it: the predecessor, the log, the pid file. */
#ifndef OCTOPUS_READINESS_H
#define OCTOPUS_READINESS_H

#include <stdint.h>

/* Announces this generation once it is ready. Returns how long to wait for more, in ms; INT64_MAX: nothing is
 * awaited. Context: the controller. */
int64_t readiness_check(int64_t now);

/* Tells the pid file and the log whom to signal. Context: the controller. */
void readiness_report_pid(void);

/* In the child of a fork. Context: any. */
void readiness_forked(void);

#endif
