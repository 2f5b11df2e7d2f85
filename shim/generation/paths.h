/* SPDX-License-Identifier: MIT */
/* Owns the decision which paths belong to another generation by now: the path of a unix listener
 * that it serves, or a pid file that it has written. The server's clean-up must not remove
 * these. */
#ifndef OCTOPUS_PATHS_H
#define OCTOPUS_PATHS_H

#include <stdbool.h>

#include "generation/birth.h"

/* True if the removal of PATH (relative to DIR_FD, as in unlinkat(2)) would hurt another
 * generation:
 * - in a successor that is not ready, the path of a unix listener that it inherited (a server
 *   unlinks the path before it binds): the file that it was bound to, whatever its name is by now;
 * - after a hand-over, the path of a unix listener that the successor has claimed, or where it has put
 *   one of its own in the place of ours, and a file that holds the pid of the successor's leader.
 * Leaves errno alone. Context: the server's threads. */
bool paths_belong_elsewhere(int dir_fd, const char *path);

/* MANIFEST says which listeners this process has inherited. It stays the caller's. Context: init. */
void paths_inherit(const struct manifest *manifest);

#endif
