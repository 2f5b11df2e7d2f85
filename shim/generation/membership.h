/* SPDX-License-Identifier: MIT */
/* Owns what this process says of itself to its leader, on the page of its family (hints.h). In the
 * leader it is what the leader says to itself. */
#ifndef OCTOPUS_MEMBERSHIP_H
#define OCTOPUS_MEMBERSHIP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "generation/hints.h"

/* This process is a member from now on; a worker, or a child for a connection. Context: any. */
void membership_join(enum member_kind kind);

/* It is none any more. LIVES_ON: because it becomes another program, and not because it exits. Context: any. */
void membership_leave(bool lives_on);

/* Whether it is one. Context: any. */
bool membership_is_joined(void);

/* Tells the leader how many connections are left here. Context: any. */
void membership_report(const struct hint_report *report);

/* How many were left by the last report. Context: any. */
uint32_t membership_connections(void);

/* Written by membership.c only. */
extern _Atomic bool membership_flags[HINT_FLAGS];

/* True if this process has said FLAG, or inherits it. Context: any. */
static inline bool membership_said(enum hint_flag flag)
{
	return atomic_load_explicit(&membership_flags[flag], memory_order_relaxed);
}

/* Says FLAG to the leader, which finds it when it looks; or no longer says it. Context: any. */
void membership_note(enum hint_flag flag);
void membership_take_back(enum hint_flag flag);

/* How a forked child starts. */
struct membership_start {
	struct hints *page;        /* made for it; NULL: it stays with its parent's, or has none */
	int entry;                 /* reserved for it on its parent's page, or -1 */
	bool had_no_page_to_share; /* its parent leads: that one's page is not the child's */
	bool has_connection;       /* it was forked for one connection */
};

/* In the child of a fork. Context: any. */
void membership_forked(const struct membership_start *start);

/* Reserves an entry on the family's page for a child that is about to be forked for a connection, or
 * gives it up. Returns -1 if there is none. Context: any. */
int membership_reserve(void);
void membership_unreserve(int entry);

#endif
