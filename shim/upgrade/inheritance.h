/* SPDX-License-Identifier: MIT */
/* The inheritance: what a successor got from its predecessor and has not claimed yet. The listeners
 * and the descriptor of the generation page wait at high numbers, where neither the server nor the
 * programs between (sh, env, a wrapper script) come across them; whoever closes "everything" spares
 * them, and each execve passes them on until somebody binds their address. */
#ifndef OCTOPUS_INHERITANCE_H
#define OCTOPUS_INHERITANCE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "generation/generation.h"

/* How many descriptors wait; 0 in every process that is no successor. The one flag that the
 * wrappers of bind, close, dup2 and execve test. */
extern _Atomic int inheritance_count;

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

/* Puts the inherited listener on ADDRESS in the place of FD, a socket that the server is about to
 * bind there, with the options FD has by now. Returns 0, or -ENOENT when there is none (or FD is
 * not such a socket). Context: any. */
int inheritance_adopt(int fd, const struct sockaddr *address, socklen_t length);

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

/* True if the server bound FD as a blocking listener, and it is not blocking because its predecessor's was not.
 * Whether the server has changed that since is not known. Context: any. */
bool inheritance_is_mixed(int fd);

#endif
