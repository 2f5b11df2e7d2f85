/* SPDX-License-Identifier: MIT */
/* Owns the question of a server that starts: is anybody at my address already? Some servers ask by connect(2),
 * and do not start if somebody answers (php-fpm). A new version must not hear its predecessor then: where
 * nothing serves yet, its answer is ECONNREFUSED, as for a path that an earlier run has left. */
#ifndef OCTOPUS_PROBE_H
#define OCTOPUS_PROBE_H

#include <stdbool.h>
#include <sys/socket.h>

/* True if a connect(2) of FD to ADDRESS would reach an inherited listener that nobody has claimed yet. FD stays
 * the server's. Leaves errno alone. Context: the server's threads, in a process that may find inherited
 * listeners, before its generation is ready. */
bool probe_is_for_inherited(int fd, const struct sockaddr *address, socklen_t length);

#endif
