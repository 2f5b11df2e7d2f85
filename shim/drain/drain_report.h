/* SPDX-License-Identifier: MIT */
/* Owns the sum over the members of the generation, and the log lines about it. */
#ifndef OCTOPUS_DRAIN_REPORT_H
#define OCTOPUS_DRAIN_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/connections.h"

/* A drain begins at BEGUN, and is to end at DEADLINE (monotonic ms). Context: the controller. */
void drain_report_begin(int64_t begun, int64_t deadline);

/* True if a member other than the leader has connections left. Context: the controller. */
bool drain_report_members_have_connections(void);

/* Logs once a second how many connections are left; OWN is the leader's last scan. Context: the controller. */
void drain_report_progress(const struct connections_scan *own, int64_t now);

/* Logs who is left when the drain ends, if anybody is. Context: the controller, once the process has stopped
 * accepting. */
void drain_report_end(void);

#endif
