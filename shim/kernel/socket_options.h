/* SPDX-License-Identifier: MIT */
/* Owns the copying of socket options: the new version sets them on its own socket before bind(2),
 * and Octopus copies them to the inherited socket that takes its place. */
#ifndef OCTOPUS_SOCKET_OPTIONS_H
#define OCTOPUS_SOCKET_OPTIONS_H

#include <stdbool.h>

/* Returns the value of an option that is a number and never negative, or -errno. May change errno.
 * Context: any. */
int socket_option_int(int fd, int level, int name);

/* Sets such an option. Returns whether the kernel did so. May change errno. Context: any. */
bool socket_option_set(int fd, int level, int name, int value);

/* Copies to TO each option that differs on FROM. An option that the kernel refuses stays as it was.
 * Both descriptors stay the caller's. Leaves errno alone. Context: any. */
void socket_options_carry(int from, int to);

#endif
