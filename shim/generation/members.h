/* SPDX-License-Identifier: MIT */
/* Owns the slots of the generation page in which the processes other than the leader report. */
#ifndef OCTOPUS_MEMBERS_H
#define OCTOPUS_MEMBERS_H

#include <stdbool.h>

#include "generation/page.h"

/* Gives this process a slot. Without a free one it stays outside: it is then not waited for. Context: any. */
void members_join(enum member_kind kind);

/* Frees this process's slot. Context: any. */
void members_leave(void);

/* Reserves a slot for a child that is about to be forked for a connection, and counts it as one from now on.
 * Returns NULL when none is free. The child joins in it (generation.membership); if no child comes the slot is to be
 * freed. Context: any. */
struct member *members_reserve_slot(void);
void members_free_slot(struct member *slot);

/* True if the process in SLOT lives, or is about to be forked. Frees the slot of a dead one. Context: any. */
bool member_is_live(struct member *slot);

/* Sends SIG to every process in a slot of PAGE. Context: any. */
void members_signal(const struct generation_page *page, int sig);

#endif
