/* SPDX-License-Identifier: MIT */
/* Owns a set of low descriptors, which threads and handlers change without a lock. A server opens its
 * listeners and epoll sets early, so their numbers are low; a higher one is in no set. */
#ifndef OCTOPUS_FD_BITS_H
#define OCTOPUS_FD_BITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FD_BITS_END 1024

/* Empty if all is zero. */
struct fd_bits {
	_Atomic uint64_t words[FD_BITS_END / 64];
};

/* FD is in the set from now on, or is not. Context: any. */
static inline void fd_bits_put(struct fd_bits *set, int fd, bool is_in)
{
	const uint64_t bit = 1ULL << ((unsigned)fd % 64);

	if ((unsigned)fd >= FD_BITS_END)
		return;
	if (is_in)
		atomic_fetch_or(&set->words[fd / 64], bit);
	else
		atomic_fetch_and(&set->words[fd / 64], ~bit);
}

/* True if FD is in the set. Context: any. */
static inline bool fd_bits_has(const struct fd_bits *set, int fd)
{
	return (unsigned)fd < FD_BITS_END &&
	       atomic_load_explicit(&set->words[fd / 64], memory_order_relaxed) >> (fd % 64) & 1;
}

#endif
