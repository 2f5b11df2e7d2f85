/* SPDX-License-Identifier: MIT */
/* The server's signalfds. A signalfd would get a signal before any handler does: while a signal is ours
 * it is kept out of their masks, and put back when it is released. Sets are bit N-1 for signal N. */
#ifndef OCTOPUS_SIGNALFDS_H
#define OCTOPUS_SIGNALFDS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The server has made FD for MASK, or changed it; those of TAKEN are kept out. Context: any. */
void signalfds_note(int fd, const sigset_t *mask, uint64_t taken);

/* Gives each what the server wants of it, less TAKEN. Context: any. */
void signalfds_refresh(uint64_t taken);

/* True if one that is still open is to hear BIT. Context: any. */
bool signalfds_want(uint64_t bit);

/* In the child of a fork: those from whose masks TAKEN are missing become the child's own, and whole.
 * The entries are forgotten. Context: any. */
void signalfds_make_own(uint64_t taken);

#endif
