/* SPDX-License-Identifier: MIT */
/* Owns what an exec or a spawn passes on: a child finds what it would find without Octopus, and a successor that starts
 * through other programs hands its inheritance on to them. All of it may run in a vfork child, on its
 * parent's memory: nothing outside the caller's stack is written. */
#ifndef OCTOPUS_PASS_ON_H
#define OCTOPUS_PASS_ON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pass_on {
	uint64_t changed; /* signals that the server ignores, and the child must find ignored */
	bool is_open;     /* the inheritance gets through */
	char entry[64];   /* of the environment: where it is */
};

/* How many entries pass_on_begin() needs for the environment ENVP: at least 1. Context: any. */
size_t pass_on_room(char *const envp[]);

/* Returns the environment for the child: ENVP, or one in ROOM that refers to ENVP's words and to PASS_ON. A second
 * thread may make the inheritance vanish in between, but never appear. Context: any. */
char *const *pass_on_begin(struct pass_on *pass_on, char *const envp[], char **room);

/* After the exec failed, or the spawn is done. Leaves errno alone. Context: any. */
void pass_on_end(const struct pass_on *pass_on);

#endif
