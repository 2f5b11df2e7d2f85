/* SPDX-License-Identifier: MIT */
/* Owns the question whether this thread is, for now, the child of a vfork(): a process of its own,
 * whose descriptors are its own, in the memory of its parent (vfork(2)). The parent's thread stands
 * still meanwhile, and has the same thread-local storage, so that a counter there tells. */
#ifndef OCTOPUS_VFORK_CHILD_H
#define OCTOPUS_VFORK_CHILD_H

#include <stdbool.h>

/* Where the library has a vfork() of its own, in assembler: a function in C could not return twice. */
#if defined(__x86_64__) || defined(__aarch64__)
#define VFORK_IS_SEEN 1
#else
#define VFORK_IS_SEEN 0
#endif

/* How many children, each of the one before, this thread is in. */
extern __thread int vfork_child_depth;

/* False in the child of a raw clone(2) with CLONE_VM, which nobody sees. Context: any. */
static inline bool vfork_child_is(void)
{
	return __builtin_expect(vfork_child_depth > 0, 0);
}

#endif
