/* SPDX-License-Identifier: MIT */
/* Owns the slots through which loaded libraries call libc (elf(5), relocations). A library that was
 * opened with RTLD_DEEPBIND (dlopen(3)) finds libc's functions before ours. */
#ifndef OCTOPUS_REBIND_H
#define OCTOPUS_REBIND_H

/* For each slot of each loaded object that is meant for an undefined function: calls CHOOSE with the
 * function's NAME and what the slot is BOUND to, NULL if it is still to be bound. If CHOOSE returns
 * an address, the slot gets it; NULL leaves the slot alone. CHOOSE must not call the loader, which
 * is locked meanwhile (dl_iterate_phdr(3)). Context: normal. */
void rebind_all(void *(*choose)(const char *name, const void *bound));

#endif
