/* SPDX-License-Identifier: MIT */
/* Owns the queue of a listener: how many connections wait in it to be accepted, and who may still get in. */
#ifndef OCTOPUS_ACCEPT_QUEUE_H
#define OCTOPUS_ACCEPT_QUEUE_H

#include <stdbool.h>

/* How many connections wait to be accepted on the listener FD; of a unix listener 1 stands for any number.
 * Context: any. */
int accept_queue_length(int fd);

/* From now on no new connection gets into FD's queue. What is queued, or half-way through its handshake, stays
 * whole. Returns false where newcomers cannot be kept out: a unix listener, or no privilege for either way.
 * Context: any. */
bool accept_queue_turn_newcomers_away(int fd);

/* The way back, where it exists: a listener that turned newcomers away can only be opened again with
 * CAP_NET_RAW (SO_BINDTOIFINDEX on a bound socket, socket(7)). Context: any. */
void accept_queue_let_newcomers_in(int fd);

#endif
