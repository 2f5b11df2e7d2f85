/* SPDX-License-Identifier: MIT */
/* Owns how bind() puts an inherited listener in the place of the socket that the server has just
 * made. */
#ifndef OCTOPUS_ADOPTION_H
#define OCTOPUS_ADOPTION_H

#include <stdbool.h>
#include <sys/socket.h>

#include "generation/bound_files.h"

/* Puts the inherited listener on ADDRESS in the place of FD, a socket that the server wants to bind
 * there, with the options that the server has set on FD. A path has to lead to the file of the listener. Returns 0, -ENOENT when there is no such
 * listener or FD is not the same kind of socket, or -errno of dup3(2). FD stays the server's.
 * Leaves errno alone. Context: any. */
int adoption_adopt(int fd, const struct sockaddr *address, socklen_t length);

/* The server is about to rename FROM, the file of a unix socket of its own, to TO. If TO is that of an inherited
 * listener, puts that in the place of the server's socket, which may listen already; but not if HAS_WAITED,
 * and the socket is in no epoll set. Clients then find the inherited listener at TO, and FROM is of no use.
 * Returns the descriptor, or -errno as adoption_adopt(). Leaves errno alone. Context: any. */
int adoption_adopt_renamed(const struct bound_file *from, const struct bound_file *to,
                           bool has_waited);

/* BY is now at its place. Nobody finds an inherited listener any more that was there, so that nobody will
 * claim it (inheritance_replace()). Leaves errno alone. Context: any. */
void adoption_note_replaced(const struct bound_file *by);

/* True if this process has bound a unix socket that it seems about to rename to the place of an inherited one, which
 * no process has claimed yet. Leaves errno alone. Context: any. */
bool adoption_is_near(void);

/* FD is one of the listeners of the start (start_listeners.h). If it is inherited, too, under another
 * number, claims it. Leaves errno alone. Context: any. */
void adoption_claim_same(int fd);

/* True if the server made FD a blocking listener, but FD does not block because the predecessor's
 * listener did not. The server may have changed that since. Context: any. */
bool adoption_blocks_for_server(int fd);

/* True if this process, or an ancestor of it, has adopted an unblocked listener (listeners.h). */
extern _Atomic bool adoption_has_unblocked;

#endif
