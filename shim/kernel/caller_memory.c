/* SPDX-License-Identifier: MIT */
#include "kernel/caller_memory.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/raw_syscall.h"
#include "kernel/sandbox.h"

/* The smallest page of the supported machines. With larger ones some are asked about twice. */
#define PAGE 4096u

#define NO_SUCH_HOW (-1)

/* The kernel's sigset_t. An aligned word lies on one page. */
#define WORD sizeof(uint64_t)

static bool is_word_readable(uintptr_t at)
{
	const uintptr_t word = at & ~(WORD - 1);

	/* NULL would ask for nothing. */
	return word != 0 &&
	       RAW4(SYS_rt_sigprocmask, NO_SUCH_HOW, word, NULL, _NSIG / CHAR_BIT) == -EINVAL;
}

/* Overwrites eight bytes, with the thread's mask. */
static bool is_word_writable(char *at)
{
	return at && RAW4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, at, _NSIG / CHAR_BIT) == 0;
}

/* What lies a little above our own frame is a variable of a caller's, which needs no question. */
bool caller_memory_is_on_stack(const void *at, size_t size)
{
	const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	const uintptr_t first = (uintptr_t)at;

	return first > here && first - here < PAGE && size < PAGE;
}

/* In a tight sandbox the question may be deadly. */
bool caller_memory_is_readable(const void *at, size_t size)
{
	uintptr_t next = (uintptr_t)at;
	const uintptr_t last = next + size - 1;

	if (size == 0 || caller_memory_is_on_stack(at, size))
		return true;
	if (last < next || sandbox_is_tight())
		return false;
	for (;; next = (next | (PAGE - 1)) + 1) {
		if (!is_word_readable(next))
			return false;
		if ((next | (PAGE - 1)) >= last)
			return true;
	}
}

bool caller_memory_put(void *to, const void *from, size_t size)
{
	if (sandbox_is_tight() || !is_word_writable(to) ||
	    !is_word_writable((char *)to + size - WORD))
		return false;
	memcpy(to, from, size);
	return true;
}

ssize_t caller_memory_count_words(char *const words[], size_t most)
{
	for (size_t i = 0; i <= most; i++) {
		const uintptr_t at = (uintptr_t)&words[i];

		/* A word that is not aligned may end on the next page. */
		if ((i == 0 || (at + WORD - 1) % PAGE < WORD) &&
		    !caller_memory_is_readable(&words[i], sizeof(words[i])))
			return -1;
		if (!words[i])
			return (ssize_t)i;
	}
	return -1;
}
