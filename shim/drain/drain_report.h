/* SPDX-License-Identifier: MIT */
/* Owns the sum of the connections over the members of the generation, and the log lines about
 * it. */
#ifndef OCTOPUS_DRAIN_REPORT_H
#define OCTOPUS_DRAIN_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/connections.h"

/* A drain began at BEGUN and has until DEADLINE (monotonic ms). Context: the controller. */
void drain_report_begin(int64_t begun, int64_t deadline);

/* Logs at most once a second how many connections are left; OWN is the leader's last scan.
 * Context: the controller. */
void drain_report_progress(const struct connections_scan *own, int64_t now);

/* Logs which connections are left when the drain ends, if any. Context: the controller, once the
 * process has stopped accepting. */
void drain_report_end(void);

#endif
