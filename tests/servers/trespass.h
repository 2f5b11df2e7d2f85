/* SPDX-License-Identifier: MIT */
/* Owns how a hostile process gets at the memory that it shares with others: it writes over what it can
 * write, and tries by every way to get at the rest. */
#ifndef TESTS_SERVERS_TRESPASS_H
#define TESTS_SERVERS_TRESPASS_H

#include <stdbool.h>
#include <stdint.h>

/* VICTIM is a pid, which is written where that is possible. PATTERN is the first letter of the one
 * that is written (zeros, ones, victim, random, leader); 0: each in turn. */
void trespass_begin(uint32_t victim, char pattern);

/* One round. */
void trespass(void);

/* Prints `hostile PID gained by HOW` if HAS_GAINED. */
void trespass_note(bool has_gained, const char *how);

/* Prints `hostile PID shares N gained M`: N mappings are writable; M is how often this process could
 * write, or have, what it should not be able to. */
void trespass_tell(void);

#endif
