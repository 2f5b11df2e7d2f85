/* SPDX-License-Identifier: MIT */
/* Owns who leads the processes that listen for themselves: the process that was started as the server, if it
 * is there (branches.h). It may have made no call that shows it: so the first of its workers that listens
 * summons it. */
#ifndef OCTOPUS_MASTER_H
#define OCTOPUS_MASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "signal/wake_signal.h"

/* This process listens on FD. Returns the process that is to lead the server: an ancestor that has bound FD, or,
 * where FD has SO_REUSEPORT, one of which this process is a fork. It is the topmost, but below any other
 * generation's. 0: this process leads itself. Leaves errno alone. Context: normal. */
pid_t master_find(int fd);

/* Asks MASTER to lead. Returns true if it does, after a second at most. Context: normal. */
bool master_summon(pid_t master);

/* Sets what a summoned process does in the controller's thread. Context: init. */
void master_use(void (*lead)(void));

/* SENDER says WORD to this process, which may be a master or a branch. Context: any. */
void master_hear(struct wake_word word, pid_t sender);

/* What the first branch has said of local time (base/log.h). Context: the controller. */
long master_utc_offset(void);

#endif
