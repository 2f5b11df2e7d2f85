/* SPDX-License-Identifier: MIT */
/* Owns the server's shutdown(2) of a listener. Bare, that ends the accept() of every thread. But it
 * works on the socket, which another generation may hold as well, or on the quiet listener
 * (quiet_listener.h) in its place. */
#ifndef OCTOPUS_SHUT_LISTENER_H
#define OCTOPUS_SHUT_LISTENER_H

#include <stdbool.h>

/* The server calls shutdown(2) on FD. If FD is a quiet listener, or a listener that another generation
 * holds, ends it for this process alone and returns true: the call has succeeded. From then on FD, and
 * each dup of it, is a socket that was shut down: accept() fails with EINVAL, and poll(2) reports a
 * hang-up. Threads that wait on it wake. Context: any. */
bool shut_listener(int fd, int how);

#endif
