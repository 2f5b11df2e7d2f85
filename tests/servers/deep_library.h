/* SPDX-License-Identifier: MIT */
/* Owns what a server and the library that it opens agree on. */
#ifndef TESTS_SERVERS_DEEP_LIBRARY_H
#define TESTS_SERVERS_DEEP_LIBRARY_H

#define OWN_DAEMON 42

/* Listens on PORT of 127.0.0.1, prints `ready PORT PID`, and serves for ever. A failure ends the
 * process with 1. */
void deep_library_serve(int port);

#endif
