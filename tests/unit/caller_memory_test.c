/* SPDX-License-Identifier: MIT */
/* What the kernel says of memory that is there, is not, or ends.
 * Links: kernel/caller_memory.c
 */
#include "expect.h"
#include "kernel/caller_memory.h"
#include "kernel/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* No sandbox. */
_Atomic uint32_t sandbox_deadly;

static char *map(size_t pages, int protection)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, pages * page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		exit(EXIT_FAILURE);
	return at;
}

/* Two pages, of which the second is not there. Returns where it would begin. */
static char *map_edge(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = map(2, PROT_READ | PROT_WRITE);

	if (mprotect(at + page, page, PROT_NONE) != 0)
		exit(EXIT_FAILURE);
	return at + page;
}

static void test_readable(const char *edge)
{
	const char *none = map(1, PROT_NONE);

	expect_number("NULL", caller_memory_is_readable(NULL, 1), false);
	expect_number("within the first word", caller_memory_is_readable((void *)3, 1), false);
	expect_number("the first page", caller_memory_is_readable((void *)16, 1), false);
	expect_number("the kernel's", caller_memory_is_readable((void *)(UINTPTR_MAX - 99), 1),
	              false);
	expect_number("around the end", caller_memory_is_readable((void *)(UINTPTR_MAX - 9), 99),
	              false);
	expect_number("nothing", caller_memory_is_readable(NULL, 0), true);
	expect_number("not to be read", caller_memory_is_readable(none, 1), false);
	expect_number("a constant", caller_memory_is_readable("constant", 8), true);
	expect_number("up to the edge", caller_memory_is_readable(edge - 3, 3), true);
	expect_number("over the edge", caller_memory_is_readable(edge - 3, 4), false);
	expect_number("a page over the edge", caller_memory_is_readable(edge - 3, 5000), false);
	expect_number("all there is", caller_memory_is_readable(edge - 3, SIZE_MAX), false);
	expect_number("many pages", caller_memory_is_readable(map(9, PROT_READ), 9 * 4096), true);
}

static void test_put(char *edge)
{
	char *read_only = map(1, PROT_READ);

	expect_number("put", caller_memory_put(edge - 11, "0123456789", 11), true);
	expect_text("what was put", edge - 11, "0123456789");
	expect_number("put over the edge", caller_memory_put(edge - 10, "0123456789", 11), false);
	expect_number("put where it is read-only", caller_memory_put(read_only, "01234567", 8),
	              false);
	expect_number("put nowhere", caller_memory_put(NULL, "01234567", 8), false);
}

static void test_words(char *edge)
{
	char **words = (char **)(void *)edge - 3;
	char *const one[] = {"a", NULL};
	char *unaligned = edge - 2 * sizeof(char *) - 3;

	words[0] = words[1] = words[2] = edge;
	expect_number("no end", caller_memory_count_words(words, 99), -1);
	words[2] = NULL;
	expect_number("two words", caller_memory_count_words(words, 99), 2);
	expect_number("two words at most", caller_memory_count_words(words, 2), 2);
	expect_number("more than one", caller_memory_count_words(words, 1), -1);
	expect_number("one word", caller_memory_count_words(one, 99), 1);
	expect_number("no list", caller_memory_count_words(NULL, 99), -1);
	memset(unaligned, 'x', (size_t)(edge - unaligned));
	expect_number("a word over the edge",
	              caller_memory_count_words((char *const *)(void *)unaligned, 99), -1);
}

int main(void)
{
	char *edge = map_edge();
	sigset_t before, after;

	sigemptyset(&before);
	sigaddset(&before, SIGUSR1);
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = EBUSY;
	test_readable(edge);
	test_put(edge);
	test_words(edge);
	expect_number("errno", errno, EBUSY);
	sigprocmask(SIG_SETMASK, NULL, &after);
	expect_number("the mask", sigismember(&after, SIGUSR1), 1);
	expect_number("the mask of others", sigismember(&after, SIGUSR2), 0);
	return expect_status();
}
