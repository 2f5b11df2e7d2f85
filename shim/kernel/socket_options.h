/* SPDX-License-Identifier: MIT */
/* Owns the copying of socket options: the new version sets them on its own socket before bind(2),
 * and Octopus copies them to the inherited socket that takes its place. */
#ifndef OCTOPUS_SOCKET_OPTIONS_H
#define OCTOPUS_SOCKET_OPTIONS_H

/* Returns the value of an option that is a number and never negative, or -errno. May change errno.
 * Context: any. */
int socket_option_int(int fd, int level, int name);

/* Copies to TO each option that differs on FROM. An option that the kernel refuses stays as it was.
 * Both descriptors stay the caller's. Leaves errno alone. Context: any. */
void socket_options_carry(int from, int to);

#endif
