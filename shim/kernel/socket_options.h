/* SPDX-License-Identifier: MIT */
/* Options that the new version set on its own socket before bind(2), carried over to the inherited
 * one that takes its place. */
#ifndef OCTOPUS_SOCKET_OPTIONS_H
#define OCTOPUS_SOCKET_OPTIONS_H

/* The value of an option that is a number, none of which is negative, or -errno. Context: any. */
int socket_option_int(int fd, int level, int name);

/* Sets on TO what FROM has otherwise. What the kernel refuses stays as it was. Neither descriptor
 * changes hands. Leaves errno alone. Context: any. */
void socket_options_carry(int from, int to);

#endif
