/* SPDX-License-Identifier: MIT */
/* Owns the way out of a group of listeners that share a port (SO_REUSEPORT, socket(7)). The kernel spreads new
 * connections over all members of the group, also over one that is bound away from them (accept_queue.h), as long
 * as the one that it finds shares its port (net/ipv4/inet_hashtables.c, inet_lookup_reuseport()). So while some leave,
 * those that stay do not share it. */
#ifndef OCTOPUS_PORT_GROUP_H
#define OCTOPUS_PORT_GROUP_H

#include <stdbool.h>

/* Of the COUNT listeners in FDS, those for which STAYS says so go on with another generation, and the others end.
 * Returns false if it could not remember one. All descriptors stay the server's. Context: the controller. */
bool port_group_leave(const int *fds, const bool *stays, int count);

/* Puts the descriptors that this module keeps meanwhile into RET_FDS, which has room for GENERATION_LISTENERS. They
 * stay its own, and listen. Returns how many. Context: the controller. */
int port_group_fds(int *ret_fds);

/* Those that left have ended, or have not left: the others share the port again. Context: the controller. */
void port_group_end(void);

/* Forgets it in the child of a fork. Context: any. */
void port_group_forked(void);

#endif
