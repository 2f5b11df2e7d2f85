/* SPDX-License-Identifier: MIT */
/* The inheritance: what a successor got from its predecessor and has not claimed yet. The listeners
 * and the descriptor of the generation page wait at high numbers, where neither the server nor the
 * programs between (sh, env, a wrapper script) come across them; whoever closes "everything" spares
 * them, and each execve passes them on until somebody binds their address. */
#ifndef OCTOPUS_INHERITANCE_H
#define OCTOPUS_INHERITANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generation/page.h"

/* How many descriptors wait; 0 in every process that is no successor. The one flag that the
 * wrappers of bind, close, dup2 and execve test. */
extern _Atomic int inheritance_count;

/* True while any descriptor waits. Context: any. */
static inline bool inheritance_is_waiting(void)
{
	return __builtin_expect(atomic_load_explicit(&inheritance_count, memory_order_relaxed) != 0,
	                        0);
}

/* Takes up the hand-over that VALUE (of HANDOVER_VARIABLE) names: the number of the page's descriptor,
 * and a '+' when a program between has passed it on, which *ret_passed_on then says. generation.page is
 * set if it is good. Anything that does not hold is refused with a log line and left alone.
 * Context: init. */
void inheritance_receive(const char *value, bool *ret_passed_on);

/* How many listeners the manifest names, and what it says of each. Context: any. */
uint32_t inheritance_listeners(void);
struct inherited_listener *inheritance_listener(uint32_t index);

/* True if listener INDEX waits in this process. Context: any. */
bool inheritance_is_here(uint32_t index);

/* Takes the descriptor of listener INDEX out, which is the caller's from then on; -1 if another was quicker.
 * _put_back returns it; _taken says that it has found its place. Context: any. */
int inheritance_take(uint32_t index);
void inheritance_put_back(uint32_t index, int fd);
void inheritance_taken(void);

/* How many inherited listeners nobody has claimed. Context: any. */
int inheritance_unclaimed(void);

/* Closes this process's remaining ones. Context: any. */
void inheritance_close_rest(void);

/* True if FD is one of them, and so none of the server's business. Context: any. */
bool inheritance_owns(int fd);

/* The lowest number that is one of them and >= FIRST, or -1. Context: any. */
int inheritance_next(int first);

/* Moves the one at FD to another number, because the server wants this one. Context: any. */
void inheritance_move_away(int fd);

/* Before an execve: lets them through, and says in ENTRY (HANDOVER_VARIABLE=N) where the page is.
 * After one that failed: ALLOW false shuts them in again. Context: any (a vfork child too). */
void inheritance_pass_on(bool allow, char *entry, size_t size);

#endif
