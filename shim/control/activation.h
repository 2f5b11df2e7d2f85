/* SPDX-License-Identifier: MIT */
/* The take-over: from the first listen() on, the process has a generation, a leader and a
 * controller. Before it, and in a process that never listens, nothing of ours is in force. */
#ifndef OCTOPUS_ACTIVATION_H
#define OCTOPUS_ACTIVATION_H

#include <stdbool.h>

/* FD listens now; IS_NEW says that it did not before. The first one makes this process the leader of
 * a generation. Leaves errno alone. Context: normal. */
void activation_on_listen(int fd, bool is_new);

/* This process was started by a predecessor: VALUE is that of HANDOVER_VARIABLE. Its signals are in
 * hand from here on. Context: init. */
void activation_as_successor(const char *value);

#endif
