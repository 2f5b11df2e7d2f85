/* SPDX-License-Identifier: MIT */
/* Owns looks at memory that the server has passed to a call and that no one has checked yet. The
 * kernel answers a bad pointer with EFAULT; a wrapper that follows it would end the server. So a
 * wrapper calls the kernel first and looks afterwards, at bytes that the kernel has just touched.
 * Only where it must look before the call, or write what the kernel would have written, it asks
 * here. Another thread can still unmap the memory behind the answer; it must not, because the call
 * is under way. But it may change what is there.
 *
 * rt_sigprocmask(2) is the question, because it works on any page, makes no descriptor, and hardly
 * any seccomp filter forbids it: with a `how` that does not exist it copies the new mask first, and
 * fails with EFAULT if it cannot, and then with EINVAL (kernel/signal.c, sys_rt_sigprocmask). Where
 * it is forbidden, nothing counts as readable. None of these functions changes errno. */
#ifndef OCTOPUS_CALLER_MEMORY_H
#define OCTOPUS_CALLER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* True if the kernel can read the SIZE bytes at AT. One system call for each page of 4 KiB.
 * Context: any. */
bool caller_memory_is_readable(const void *at, size_t size);

/* The same where it needs no system call: false says nothing. Context: any. */
bool caller_memory_is_on_stack(const void *at, size_t size);

/* Copies SIZE bytes, which are 8 at least and less than a page, to the server's memory. Returns
 * false if the kernel cannot write there; then some of it may be overwritten. Context: any. */
bool caller_memory_put(void *to, const void *from, size_t size);

/* Counts the words before the NULL that ends the list. Returns -1 if the list cannot be read to its
 * end, or is longer than MOST. Context: any. */
ssize_t caller_memory_count_words(char *const words[], size_t most);

/* Reads one part of a list once: another thread may change it. Context: any. */
static inline struct iovec caller_memory_part(const struct iovec *part)
{
	return (struct iovec){__atomic_load_n(&part->iov_base, __ATOMIC_RELAXED),
	                      __atomic_load_n(&part->iov_len, __ATOMIC_RELAXED)};
}

#endif
