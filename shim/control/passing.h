/* SPDX-License-Identifier: MIT */
/* Owns what a process notes of the connections that it passes to another one, and of those that are passed to it
 * (unix(7), SCM_RIGHTS). The drain looks for them (drain/passed.h). */
#ifndef OCTOPUS_PASSING_H
#define OCTOPUS_PASSING_H

#include <sys/socket.h>

/* The server has sent MESSAGE: notes if that passed a TCP connection on. Leaves errno alone. Context: any. */
void passing_note_sent(const struct msghdr *message);

/* The server has received MESSAGE, as recvmsg() has left it. From the first TCP connection on the process records
 * exchanges (http/exchange.h). Leaves errno alone. Context: any. */
void passing_note_received(const struct msghdr *message);

#endif
