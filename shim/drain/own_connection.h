/* SPDX-License-Identifier: MIT */
/* Owns the connections of the server to itself. Many servers end the thread that accepts so: they set a
 * flag, and connect to their own address. When the process has stopped accepting, nobody answers at
 * that address any more, or the successor does. So such a connection is made to a socket of its own,
 * and its other end goes to the quiet listener (quiet_listener.h), from which accept() takes it.
 *
 * To a unix listener the server connects itself, by the name of the quiet one. To any other it gets a
 * connection of that kind, and a carrier, a unix connection to the quiet listener, brings the other end
 * (SCM_RIGHTS, unix(7)). */
#ifndef OCTOPUS_OWN_CONNECTION_H
#define OCTOPUS_OWN_CONNECTION_H

#include <stdbool.h>
#include <sys/socket.h>

/* The server connects FD to ADDRESS. If that is the address of a listener that a quiet one has
 * replaced, makes the connection to this process. Returns true if it did: then *ret_result and errno
 * are those of connect(2). FD stays the server's. Context: any. */
bool own_connection_make(int fd, const struct sockaddr *address, socklen_t length, int *ret_result);

/* accept() on the listener LISTENER_FD has returned FD, and its peer in ADDRESS and LENGTH where these are
 * not NULL. Returns what the server is to get: FD itself; the connection that a carrier has brought,
 * with FLAGS as in accept4(2), and its peer instead; or -1 if FD was of another process or has brought
 * nothing: the call is to be made again. In the last two cases it has closed FD. Context: any. */
int own_connection_take(int listener_fd, int fd, int flags, struct sockaddr *address,
                        socklen_t *length);

#endif
