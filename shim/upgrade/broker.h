/* SPDX-License-Identifier: MIT */
/* Owns the predecessor's side of a hand-over to a process that a new version has started: the process
 * that was born holds what it was given, but its helpers must not. So one that binds asks here, and gets
 * a listener if the kernel says that it belongs to the birth, and that it runs as this process's user or
 * as root. */
#ifndef OCTOPUS_BROKER_H
#define OCTOPUS_BROKER_H

#include "generation/birth.h"
#include "upgrade/spawn.h"

/* Opens the socket of a birth at an address that the kernel chooses, and writes that into RET_NAME.
 * Returns 0, or -errno: where a process may have no such socket, the candidate passes its inheritance on
 * to all that it starts. Context: the controller. */
int broker_open(char ret_name[BIRTH_BROKER]);

/* From now on the broker answers: WORDS_FD holds the words of the birth and becomes the broker's;
 * LISTENERS are those that MANIFEST tells of, and both stay the caller's.
 * Context: the controller. */
void broker_begin(int words_fd, const struct manifest *manifest, const struct spawn_fd *listeners);

/* Answers all that have asked, and never waits: one that belongs to the birth has 50 ms for its request.
 * Returns true while there is a broker: nobody rings for it. Context: the controller. */
bool broker_answer(void);

/* The birth is over. Context: the controller. */
void broker_close(void);

/* In the child of a fork: closes what it has inherited of the broker. Context: any. */
void broker_forked(void);

#endif
