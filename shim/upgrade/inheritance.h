/* SPDX-License-Identifier: MIT */
/* Owns what a successor inherited and has not claimed yet: the listeners, and the descriptors of the
 * manifest and of the words of the birth. They wait at high numbers, where neither the server nor the programs in between
 * (sh, env, a wrapper script) come across them. Calls that close all descriptors spare them, and
 * each execve passes them on until the server binds their addresses. */
#ifndef OCTOPUS_INHERITANCE_H
#define OCTOPUS_INHERITANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generation/birth.h"

/* How many descriptors wait; 0 in every process that is no successor. The wrappers of bind, close,
 * dup2 and execve test only this. */
extern _Atomic int inheritance_count;

/* True while any descriptor waits. Context: any. */
static inline bool inheritance_is_waiting(void)
{
	return __builtin_expect(atomic_load_explicit(&inheritance_count, memory_order_relaxed) != 0,
	                        0);
}

/* Accepts the hand-over that VALUE (of HANDOVER_VARIABLE) names (variable.h); *ret_passed_on says
 * whether another program has passed it on. Sets generation.birth and generation.lineage if the words
 * and the manifest are good. Refuses whatever is not as the manifest says, leaves it alone, and says
 * so by COMPLAIN, which formats as text_format() does. Context: init. */
void inheritance_receive(const char *value, bool *ret_passed_on,
                         void (*complain)(const char *format, ...));

/* How many listeners the manifest names, and what it says of each. Context: any. */
uint32_t inheritance_listeners(void);
const struct inherited_listener *inheritance_listener(uint32_t index);

/* Claims listener INDEX for this process. Returns false if a live process has claimed it.
 * Context: any. */
bool inheritance_claim(uint32_t index);

/* True if listener INDEX waits in this process. Context: any. */
bool inheritance_is_here(uint32_t index);

/* inheritance_take() takes the descriptor of listener INDEX out; the caller owns it from then on.
 * It returns -1 if another thread was quicker. inheritance_put_back() returns the descriptor.
 * inheritance_taken() reports that it is in its place. Context: any. */
int inheritance_take(uint32_t index);
void inheritance_put_back(uint32_t index, int fd);
void inheritance_taken(void);

/* How many inherited listeners no process has claimed. Context: any. */
int inheritance_unclaimed(void);

/* Closes the descriptors that still wait in this process. Context: any. */
void inheritance_close_rest(void);

/* True if FD waits, so that the server must not touch it. Context: any. */
bool inheritance_owns(int fd);

/* The lowest waiting descriptor >= FIRST, or -1. Context: any. */
int inheritance_next(int first);

/* Moves the waiting descriptor FD to another number, because the server wants this one.
 * Context: any. */
void inheritance_move_away(int fd);

/* With ALLOW, before an execve: makes the descriptors survive it, and writes HANDOVER_VARIABLE,
 * which names the words of the birth, into ENTRY. Without ALLOW, after an execve that failed: makes them
 * close-on-exec again. Context: any (a vfork child too). */
void inheritance_pass_on(bool allow, char *entry, size_t size);

#endif
