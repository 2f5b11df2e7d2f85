/* SPDX-License-Identifier: MIT */
/* Owns the calls about mappings without libc (raw_syscall.h), for what a fork or a handler may run.
 * They return what the kernel returns: 0 or an address, or a negative errno. */
#ifndef OCTOPUS_RAW_MEMORY_H
#define OCTOPUS_RAW_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/raw_syscall.h"

/* Maps LENGTH bytes of FD from its start on; -1: of no file. AT is NULL, or with MAP_FIXED the place.
 * Context: any. */
static inline long raw_map(const volatile void *at, size_t length, int protection, int flags,
                           int fd)
{
	return RAW6(SYS_mmap, at, length, protection, flags | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
}

/* True if RESULT, of raw_map() or raw_map_again(), is an error. Context: any. */
static inline bool raw_map_failed(long result)
{
	return result < 0 && result > -4096;
}

/* Maps the shared memory at PAGE a second time (mremap(2), an old size of 0). Context: any. */
static inline long raw_map_again(void *page, size_t length)
{
	return RAW4(SYS_mremap, page, 0, length, MREMAP_MAYMOVE);
}

/* A fork of this process does not copy the mapping. Context: any. */
static inline long raw_keep_from_children(const volatile void *page, size_t length)
{
	return RAW3(SYS_madvise, page, length, MADV_DONTFORK);
}

/* Context: any. */
static inline long raw_make_read_only(void *page, size_t length)
{
	return RAW3(SYS_mprotect, page, length, PROT_READ);
}

/* Context: any. */
static inline void raw_unmap(const volatile void *page, size_t length)
{
	(void)RAW2(SYS_munmap, page, length);
}

#endif
