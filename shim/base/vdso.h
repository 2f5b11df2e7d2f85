/* SPDX-License-Identifier: MIT */
/* Owns the lookup in the vDSO (vdso(7)): functions that the kernel maps into each process. Nobody
 * can interpose them. */
#ifndef OCTOPUS_VDSO_H
#define OCTOPUS_VDSO_H

/* Returns the function NAME of the vDSO, or NULL if the kernel offers none (vdso=0, valgrind, some
 * emulators). Reads memory only. Context: any. */
void *vdso_find(const char *name);

#endif
