/* SPDX-License-Identifier: MIT */
/* Paths that belong to another generation by now: the name of a unix listener that it serves, a pid
 * file that it has written. The server's clean-up must not take them away. */
#ifndef OCTOPUS_PATHS_H
#define OCTOPUS_PATHS_H

#include <stdbool.h>

/* True if removing PATH (relative to DIR_FD, as unlinkat(2) has it) would hurt the other generation:
 * - in a successor that is not ready, the path of a unix listener it inherited (a server unlinks the
 *   path before it binds);
 * - after a hand-over, the path of a unix listener that the successor serves, and a file that holds
 *   the pid of its leader.
 * Leaves errno alone. Context: the server's threads. */
bool paths_belong_elsewhere(int dir_fd, const char *path);

#endif
