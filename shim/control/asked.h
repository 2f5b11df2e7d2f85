/* SPDX-License-Identifier: MIT */
/* Owns what a signal asks of the leader: that depends on where it comes from, and on when. */
#ifndef OCTOPUS_ASKED_H
#define OCTOPUS_ASKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/settings.h"

/* What SIG asks for. Context: the controller. */
enum request asked_request(int sig, bool is_from_terminal);

/* True if SIG asks for a successor before this version may have one: the request waits.
 * Context: the controller. */
bool asked_too_early(int sig, bool is_from_terminal);

/* Where the predecessor has given this version up: returns a signal that stops it, once, so that it drains what it
 * has accepted; 0 otherwise. Where no signal does, it ends here. Context: the controller. */
uint64_t asked_to_leave(void);

#endif
