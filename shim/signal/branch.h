/* SPDX-License-Identifier: MIT */
/* Owns what a branch (branches.h) hears from its master, and what it tells it. */
#ifndef OCTOPUS_BRANCH_H
#define OCTOPUS_BRANCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "signal/branches.h"

/* This process is a branch of MASTER from now on: only what stops it is a request, and it stops when its
 * master says so. Context: normal. */
void branch_begin(pid_t master);

/* True in a branch whose master lives. Context: any. */
bool branch_has_master(void);

/* Says WHAT to the master, if that is this process's ancestor. Returns 0 or -errno. Context: any. */
int branch_tell(enum branch_word what, int32_t number);

/* Says so to MASTER, before branch_begin(). Context: any. */
int branch_tell_to(pid_t master, enum branch_word what, int32_t number);

/* The master has said WORD. Context: any. */
void branch_hear(struct wake_word word);

/* What the master has said since the last call: BRANCH_DRAIN, BRANCH_STOP, or 0. Context: the controller. */
int branch_take_request(void);

/* True while the master conducts this drain: it stops this process in the server's own way.
 * Context: any. */
bool branch_is_conducted(void);

/* A signal, or the end of the master, takes its place. Context: the controller. */
void branch_leave_conductor(void);

/* True if another generation answers for what this one no longer accepts. Context: any. */
bool branch_is_succeeded(void);

/* In the child of a fork. Context: any. */
void branch_forked(void);

#endif
