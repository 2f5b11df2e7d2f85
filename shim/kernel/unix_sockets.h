/* SPDX-License-Identifier: MIT */
/* Owns the look at all unix sockets of this network namespace (/proc/net/unix, proc(5)). */
#ifndef OCTOPUS_UNIX_SOCKETS_H
#define OCTOPUS_UNIX_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

/* True if the unix socket SOCKET (socket_identity.h) is there and listens, in whatever process. False if /proc cannot
 * tell. Costs a read of the whole list. May change errno. Context: any. */
bool unix_sockets_has_listening(uint64_t socket);

#endif
