/* SPDX-License-Identifier: MIT */
/* Owns memory that passes by descriptor (memfd_create(2)), and its seals. It is sealed against
 * shrinking from the start: an access to a lost part of a mapping would raise SIGBUS (mmap(2)). */
#ifndef OCTOPUS_SEALED_H
#define OCTOPUS_SEALED_H

#include <stdbool.h>
#include <stddef.h>

/* Makes a memfd of SIZE bytes, all zero, that /proc shows as NAME. Returns a close-on-exec descriptor that the caller owns, or
 * -errno. Context: any. */
int sealed_make(const char *name, size_t size);

/* Maps FD for reading such that no mprotect(2) and no later mapping can write it: FD gets the seal
 * for that, or, before Linux 5.1, is opened again for reading (proc(5), "/proc/PID/fd"). Mappings
 * for writing that are there stay. Returns NULL if neither can be had. Context: any. */
const void *sealed_map_for_reading(int fd, size_t size);

/* Nobody can change the content of FD any more, and no mapping of it is writable. Returns 0 or
 * -errno. Context: any. */
int sealed_against_all(int fd);

/* True if FD is a memfd of at least LEAST bytes that cannot shrink, and, if IS_FINAL, cannot change
 * any more. Context: any. */
bool sealed_is(int fd, size_t least, bool is_final);

#endif
