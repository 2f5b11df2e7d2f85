/* SPDX-License-Identifier: MIT */
/* Owns what the server has given up since it was started: a new version begins without it. */
#ifndef OCTOPUS_LOWERED_H
#define OCTOPUS_LOWERED_H

#include <stdbool.h>

/* Written by the thread that gives it up, and in a successor's constructor. */
struct lowered {
	bool has_no_root;    /* this process, or a predecessor, was root and cannot be again */
	bool has_other_tree; /* another root directory (chroot(2)) */
};

extern struct lowered lowered;

#endif
