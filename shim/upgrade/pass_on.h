/* SPDX-License-Identifier: MIT */
/* Owns what an exec or a spawn passes on. A child finds what it would find without Octopus; a
 * successor that starts through other programs passes its inheritance on to them. All of it may run
 * in a vfork child, in its parent's memory, so it writes only to the caller's stack. */
#ifndef OCTOPUS_PASS_ON_H
#define OCTOPUS_PASS_ON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pass_on {
	uint64_t changed; /* signals that the server ignores: the child must find them ignored */
	bool is_open;     /* the inheritance survives the exec */
	char entry[64];   /* the environment variable that names the page */
};

/* How many entries pass_on_begin() needs for the environment ENVP: at least 1. TO_CHILD: the program runs
 * beside this process, and not in its place. Context: any. */
size_t pass_on_room(char *const envp[], bool to_child);

/* Returns the environment for the child: ENVP, or a copy in ROOM, of ENTRIES, that points to ENVP's
 * strings and to PASS_ON. ENVP goes on as it is, without the inheritance, if nobody can read it or
 * it is too long for a stack. Between the two calls another thread may use the inheritance up, but
 * never add to it. Context: any. */
char *const *pass_on_begin(struct pass_on *pass_on, char *const envp[], bool to_child, char **room,
                           size_t entries);

/* Undoes pass_on_begin() after the exec failed or the spawn is done. Leaves errno alone.
 * Context: any. */
void pass_on_end(const struct pass_on *pass_on);

#endif
