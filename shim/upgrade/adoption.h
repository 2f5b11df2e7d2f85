/* SPDX-License-Identifier: MIT */
/* Owns how bind() gets an inherited listener in the place of the socket that the server has just made. */
#ifndef OCTOPUS_ADOPTION_H
#define OCTOPUS_ADOPTION_H

#include <stdbool.h>
#include <sys/socket.h>

/* Puts the inherited listener on ADDRESS in the place of FD, a socket that the server is about to
 * bind there, with the options FD has by now. Returns 0, or -ENOENT when there is none (or FD is
 * not such a socket). Context: any. */
int adoption_adopt(int fd, const struct sockaddr *address, socklen_t length);

/* True if the server made FD a blocking listener, and it does not block because its predecessor's did not.
 * Whether the server has changed that since is not known. Context: any. */
bool adoption_blocks_for_server(int fd);

#endif
