/* SPDX-License-Identifier: MIT */
/* Owns who a server says that it is: the version it was built as and its process id. */
#ifndef TESTS_SERVERS_IDENTITY_H
#define TESTS_SERVERS_IDENTITY_H

extern const char identity_version[];

/* Remembers the calling process as the server. */
void identity_set_pid(void);

/* The process id of the server, also in a child forked to serve one connection: clients tell
 * generations apart by it. */
int identity_pid(void);

#endif
