/* SPDX-License-Identifier: MIT */
/* Owns the slots of the generation page, in which the processes other than the leader report. */
#ifndef OCTOPUS_MEMBERS_H
#define OCTOPUS_MEMBERS_H

#include <stdbool.h>

#include "generation/page.h"

/* Gives this process a slot. If none is free, the drain does not wait for this process.
 * Context: any. */
void members_join(enum member_kind kind);

/* Frees the slot of this process. Context: any. */
void members_leave(void);

/* Reserves a slot for a child that a thread is about to fork for a connection; the drain counts
 * that connection from now on. Returns NULL if no slot is free. The child joins in the slot
 * (generation.membership); if the fork fails, the caller frees it. Context: any. */
struct member *members_reserve_slot(void);
void members_free_slot(struct member *slot);

/* True if the process in SLOT is alive or about to be forked. Frees the slot of a dead one.
 * Context: any. */
bool member_is_live(struct member *slot);

/* True if PID is the leader of this generation or has a slot in it. Context: any. */
bool members_include(pid_t pid);

/* Calls VISIT with each worker in a slot of this generation's page, but not with this process.
 * Context: any. */
void members_each_worker(void (*visit)(pid_t pid));

/* Sends SIG to each process in a slot of PAGE. Context: any. */
void members_signal(const struct generation_page *page, int sig);

#endif
