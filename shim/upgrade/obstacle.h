/* SPDX-License-Identifier: MIT */
/* Owns what is in the way where a new version cannot bind an address: a listener of the predecessor's, on another
 * address, has the port until the new version is ready. Where both are for all addresses, of one family or of both
 * (IPV6_V6ONLY, ipv6(7)), they share the port for that long. Else the new version notes it in the words of the birth,
 * however it ends then, and the predecessor logs it. */
#ifndef OCTOPUS_OBSTACLE_H
#define OCTOPUS_OBSTACLE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "generation/birth.h"

/* In the new version: bind(2) of FD to ADDRESS, LENGTH bytes long, has failed with EADDRINUSE. Has the listeners in
 * its way share the port, and binds. Returns false if it could not, and leaves errno alone. Context: any. */
bool obstacle_pass(int fd, const struct sockaddr *address, socklen_t length);

/* In the new version: bind(2) of FD to ADDRESS has failed with EADDRINUSE. Leaves errno alone. Context: any. */
void obstacle_note(int fd, const struct sockaddr *address, socklen_t length);

/* In the predecessor: logs what the candidate PID has noted in BIRTH of the listeners of MANIFEST, if it has.
 * Context: the controller. */
void obstacle_explain(const struct birth *birth, const struct manifest *manifest, pid_t pid);

#endif
