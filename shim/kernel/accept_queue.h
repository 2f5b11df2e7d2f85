/* SPDX-License-Identifier: MIT */
/* Owns the accept queue of a listener: how many connections wait in it, and whether new ones may
 * enter. */
#ifndef OCTOPUS_ACCEPT_QUEUE_H
#define OCTOPUS_ACCEPT_QUEUE_H

#include <stdbool.h>

/* Returns how many connections wait in the accept queue of the listener FD. For a unix listener it
 * returns 1 for any number of them. Context: any. */
int accept_queue_length(int fd);

/* Keeps new connections out of the accept queue of FD. Queued connections and handshakes under way
 * are not affected. Returns false if the kernel does not allow it: FD is a unix listener, or the
 * process lacks the privilege for both ways. Context: any. */
bool accept_queue_turn_newcomers_away(int fd);

/* Lets new connections in again, if the kernel allows it. To undo SO_BINDTOIFINDEX the process
 * needs CAP_NET_RAW (SO_BINDTODEVICE, socket(7)). Context: any. */
void accept_queue_let_newcomers_in(int fd);

#endif
