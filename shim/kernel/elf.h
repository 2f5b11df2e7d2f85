/* SPDX-License-Identifier: MIT */
/* Owns the reading of ELF files (elf(5)). */
#ifndef OCTOPUS_ELF_H
#define OCTOPUS_ELF_H

#include <stdbool.h>

/* True if PATH is a 64-bit ELF program without an interpreter: no loader runs, so the program does
 * not load a preloaded library. False in doubt. Context: any. */
bool elf_is_static(const char *path);

#endif
