/* SPDX-License-Identifier: MIT */
#include "upgrade/pass_on.h"

#include <errno.h>

#include "signal/dispositions.h"
#include "upgrade/inheritance.h"

static size_t count_words(char *const words[])
{
	size_t count = 0;

	while (words && words[count])
		count++;
	return count;
}

size_t pass_on_room(char *const envp[])
{
	return inheritance_is_waiting() ? count_words(envp) + 2 : 1;
}

char *const *pass_on_begin(struct pass_on *pass_on, char *const envp[], char **room)
{
	size_t count;

	pass_on->changed = dispositions_prepare_exec();
	pass_on->is_open = inheritance_is_waiting();
	if (!pass_on->is_open)
		return envp;
	count = count_words(envp);
	for (size_t i = 0; i < count; i++)
		room[i] = envp[i];
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
