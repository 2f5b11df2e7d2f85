/* SPDX-License-Identifier: MIT */
/* Owns the look at the TCP connections of this network namespace: by sock_diag(7), or where the kernel or a sandbox
 * does not have it, in /proc/net/tcp and tcp6 (proc(5)), where connections that have ended make it slow. */
#ifndef OCTOPUS_TCP_CONNECTIONS_H
#define OCTOPUS_TCP_CONNECTIONS_H

#include <stdint.h>

/* Calls VISIT with the socket (socket_identity.h) of each connection that is open, in a process or on its way to one
 * (unix(7), SCM_RIGHTS), and whose local port is PORT; perhaps with one of them twice. With neither of the two there
 * are none. Context: any. */
void tcp_connections_each(uint16_t port, void (*visit)(uint64_t socket, void *context),
                          void *context);

#endif
