/* SPDX-License-Identifier: MIT */
/* Owns what a process that has no listener knows of the server's listeners: their ports, as the leader tells them.
 * A connection that was passed to it is a client's of the server if its local port is one of them. */
#ifndef OCTOPUS_PASSED_PORTS_H
#define OCTOPUS_PASSED_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#define PASSED_PORTS_MOST 64

/* PORT is a listener's. Beyond PASSED_PORTS_MOST it is forgotten. Context: any. */
void passed_ports_add(uint16_t port);

/* True if it is known to be one; never of 0. Context: any. */
bool passed_ports_have(uint16_t port);

#endif
