/* SPDX-License-Identifier: MIT */
/* Owns the activation: from the first listen() on, the process has a generation, a leader and a
 * controller. Before that, and in a process that never listens, Octopus does nothing. */
#ifndef OCTOPUS_ACTIVATION_H
#define OCTOPUS_ACTIVATION_H

#include <stdbool.h>

/* False where a listen() changes nothing: in a forked child of a process that has listened, in a
 * tight sandbox, and in secure-execution mode. Context: any. */
bool activation_is_awaited(void);

/* An inherited listener was claimed: logs that, now or at the first listen(). Context: any. */
void activation_on_claim(void);

/* At exit(3): a server that could not bind says now what it would have said at its first listen().
 * Context: normal. */
void activation_on_exit(void);

/* FD listens now; IS_NEW says that it did not before. On the first call, makes this process the
 * leader of a generation. Leaves errno alone. Context: normal. */
void activation_on_listen(int fd, bool is_new);

/* The server waits on FD, a listener whose listen() was not seen. Where this process has bound FD,
 * as activation_on_listen(); else logs once that the server cannot be upgraded. Context: normal. */
void activation_on_unseen(int fd);

/* A worker of this process listens (master.h): makes this process the leader, which need not listen, and goes
 * on as the controller. Context: the controller. */
void activation_as_master(void);

/* A predecessor started this process; VALUE is that of HANDOVER_VARIABLE. Takes the signals from
 * here on. Opens and creates nothing. Context: init. */
void activation_as_successor(const char *value);

#endif
