/* SPDX-License-Identifier: MIT */
/* Owns what an ELF file (elf(5)) says of the program in it. */
#ifndef OCTOPUS_ELF_H
#define OCTOPUS_ELF_H

#include <stdbool.h>

/* True if PATH is a 64-bit ELF program without an interpreter: no loader runs, so nothing is preloaded into
 * it. False in doubt. Context: any. */
bool elf_is_static(const char *path);

#endif
