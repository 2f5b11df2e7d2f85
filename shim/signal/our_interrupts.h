/* SPDX-License-Identifier: MIT */
/* Owns the note that a handler of the library's own has interrupted this thread, and nothing of the server's
 * has run in it. */
#ifndef OCTOPUS_OUR_INTERRUPTS_H
#define OCTOPUS_OUR_INTERRUPTS_H

#include <stdbool.h>

extern __thread volatile bool our_interrupts_noted;

/* A call begins. Context: any. */
static inline void our_interrupts_begin(void)
{
	our_interrupts_noted = false;
}

/* Such a handler has run. Context: any, a signal handler too. */
static inline void our_interrupts_note(void)
{
	our_interrupts_noted = true;
}

/* True if one has since the call began. Context: any. */
static inline bool our_interrupts_came(void)
{
	return our_interrupts_noted;
}

#endif
