/* SPDX-License-Identifier: MIT */
/* Owns the question which signals the threads of this process block. */
#ifndef OCTOPUS_MASKS_H
#define OCTOPUS_MASKS_H

#include <stdbool.h>
#include <stdint.h>

/* True if all threads but the calling one block a signal of SET (signal_set.h), so that only the
 * calling thread can take it, or if /proc cannot tell. Context: any. */
bool masks_block(uint64_t set);

/* The same, but false if /proc cannot tell. Context: any. */
bool masks_surely_block(uint64_t set);

#endif
