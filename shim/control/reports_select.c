/* SPDX-License-Identifier: MIT */
#include "control/reports_select.h"

#include <string.h>

#include "control/kept.h"
#include "control/reports.h"
#include "kernel/caller_memory.h"

/* As select(2) does it, in whole words. */
static size_t bytes_of(int count)
{
	return ((size_t)count + NFDBITS - 1) / NFDBITS * sizeof(fd_mask);
}

static bool may_read(const fd_set *set, size_t bytes)
{
	return !set || (reports_are_checked() ? caller_memory_is_readable(set, bytes)
	                                      : caller_memory_is_on_stack(set, bytes));
}

void reports_save_sets(struct reports_sets *ret_sets, int count, fd_set *in, fd_set *out,
                       fd_set *urgent)
{
	const bool may_matter = in && count > 0 && count <= FD_SETSIZE &&
	                        atomic_load(&generation.role) != ROLE_NONE;
	const size_t bytes = may_matter ? bytes_of(count) : 0;

	ret_sets->count = count;
	ret_sets->bytes = 0;
	ret_sets->in = in;
	ret_sets->out = out;
	ret_sets->urgent = urgent;
	if (!bytes || !may_read(in, bytes) || !may_read(out, bytes) || !may_read(urgent, bytes))
		return;
	ret_sets->bytes = bytes;
	memcpy(&ret_sets->saved_in, in, bytes);
	if (out)
		memcpy(&ret_sets->saved_out, out, bytes);
	if (urgent)
		memcpy(&ret_sets->saved_urgent, urgent, bytes);
}

void reports_restore_sets(const struct reports_sets *sets)
{
	if (!sets->bytes)
		return;
	memcpy(sets->in, &sets->saved_in, sets->bytes);
	if (sets->out)
		memcpy(sets->out, &sets->saved_out, sets->bytes);
	if (sets->urgent)
		memcpy(sets->urgent, &sets->saved_urgent, sets->bytes);
}

/* Returns the first descriptor in SET from FD on that this process accepts on, or -1. */
static int next_listener(const fd_set *set, int fd, int count)
{
	const int end = count < FD_SETSIZE ? count : FD_SETSIZE;

	while (fd < end && !(FD_ISSET(fd, set) && reports_is_accepted_on(fd)))
		fd++;
	return fd < end ? fd : -1;
}

bool reports_select_has_kept(const struct reports_sets *sets)
{
	int fd = sets->bytes ? next_listener(&sets->saved_in, 0, sets->count) : -1;

	while (fd >= 0 && !kept_has(fd))
		fd = next_listener(&sets->saved_in, fd + 1, sets->count);
	return fd >= 0;
}

static void add_kept_to_set(const struct reports_sets *sets, fd_set *in, int *result)
{
	for (int fd = -1; (fd = next_listener(&sets->saved_in, fd + 1, sets->count)) >= 0;) {
		if (FD_ISSET(fd, in) || !kept_has(fd))
			continue;
		FD_SET(fd, in);
		(*result)++;
	}
}

void reports_check_select(const struct reports_sets *sets, int *result)
{
	fd_set *in = sets->in;

	if (!in)
		return;
	for (int fd = -1; *result > 0 && (fd = next_listener(in, fd + 1, sets->count)) >= 0;) {
		if (reports_is_there(fd) || (*result == 1 && !sets->bytes))
			continue;
		FD_CLR(fd, in);
		(*result)--;
	}
	if (kept_any() && sets->bytes)
		add_kept_to_set(sets, in, result);
}

bool reports_select_tells(int count, const fd_set *in)
{
	return count > FD_SETSIZE || (in && next_listener(in, 0, count) >= 0);
}
