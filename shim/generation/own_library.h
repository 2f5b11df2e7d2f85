/* SPDX-License-Identifier: MIT */
/* Owns the path from which liboctopus.so was loaded: a successor, which may be another user than the
 * first generation was at its start, loads it from there again. */
#ifndef OCTOPUS_OWN_LIBRARY_H
#define OCTOPUS_OWN_LIBRARY_H

#include <stddef.h>

/* Asks the loader for it, which takes a lock. Context: normal. */
void own_library_find(void);

/* Tries to open the library as a successor will. Returns 0, or -errno and its path in BUFFER; 0 also
 * if the path is not known. Context: the controller. */
int own_library_check(char *buffer, size_t size);

#endif
