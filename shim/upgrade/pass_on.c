/* SPDX-License-Identifier: MIT */
#include "upgrade/pass_on.h"

#include <errno.h>

#include "kernel/caller_memory.h"
#include "signal/dispositions.h"
#include "upgrade/inheritance.h"

/* The copy lies on the stack, perhaps a small one. */
#define MOST_WORDS 4096

/* Besides the words: the variable that names the page, and the NULL. */
#define EXTRA_WORDS 2

/* No environment is an empty one (execve(2)). */
static ssize_t count_words(char *const words[])
{
	return words ? caller_memory_count_words(words, MOST_WORDS) : 0;
}

size_t pass_on_room(char *const envp[], bool to_child)
{
	const ssize_t count = inheritance_may_be_passed_on(to_child) ? count_words(envp) : -1;

	return count < 0 ? 1 : (size_t)count + EXTRA_WORDS;
}

char *const *pass_on_begin(struct pass_on *pass_on, char *const envp[], bool to_child, char **room,
                           size_t entries)
{
	size_t count = 0;

	pass_on->changed = dispositions_prepare_exec();
	pass_on->is_open = entries >= EXTRA_WORDS && inheritance_may_be_passed_on(to_child);
	if (!pass_on->is_open)
		return envp;
	for (; count < entries - EXTRA_WORDS; count++)
		room[count] = envp[count];
	room[count] = pass_on->entry;
	room[count + 1] = NULL;
	inheritance_pass_on(true, pass_on->entry, sizeof(pass_on->entry));
	return room;
}

void pass_on_end(const struct pass_on *pass_on)
{
	const int saved = errno;

	if (pass_on->is_open)
		inheritance_pass_on(false, NULL, 0);
	dispositions_undo_exec(pass_on->changed);
	errno = saved;
}
