/* SPDX-License-Identifier: MIT */
/* Owns whether other sockets may be bound beside an inherited listener (SO_REUSEPORT, socket(7)), as the new
 * version wants it. What it adds it needs for its next bind(). What it takes away the predecessor still has until
 * the new version is ready: the kernel would spread clients otherwise, and a failed upgrade changes nothing. */
#ifndef OCTOPUS_SHARED_PORT_H
#define OCTOPUS_SHARED_PORT_H

#include <stdbool.h>

/* INHERITED takes the place of FD, on which the new version has said what it wants. Leaves errno alone.
 * Context: any. */
void shared_port_carry(int fd, int inherited);

/* Has FD share its port until the new version is ready. Returns whether it does. Context: any. */
bool shared_port_lend(int fd);

/* The new version is ready: takes away what it does not want. Context: any. */
void shared_port_settle(void);

#endif
