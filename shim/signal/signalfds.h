/* SPDX-License-Identifier: MIT */
/* Owns the masks of the server's signalfds. A signalfd would receive a signal before any handler
 * does. So Octopus keeps its signals out of these masks, and puts them back when it releases them.
 * Sets have bit N-1 for signal N. */
#ifndef OCTOPUS_SIGNALFDS_H
#define OCTOPUS_SIGNALFDS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Notes that the server has made FD for MASK, or has changed its mask; keeps TAKEN out of it. FD
 * stays the server's. Context: any. */
void signalfds_note(int fd, const sigset_t *mask, uint64_t taken);

/* Gives each signalfd the mask that the server wants, without TAKEN. Context: any. */
void signalfds_refresh(uint64_t taken);

/* True if the server has an open signalfd for BIT. Context: any. */
bool signalfds_want(uint64_t bit);

/* In the child of a fork: replaces each signalfd whose mask lacks a signal of TAKEN by one of the
 * child's own, with the whole mask. Forgets all entries. Context: any. */
void signalfds_make_own(uint64_t taken);

#endif
