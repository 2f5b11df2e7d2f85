/* SPDX-License-Identifier: MIT */
#include "kernel/ancestry.h"

#include "kernel/process.h"

/* Returns 0 if it is not known. */
static pid_t parent_of(pid_t pid)
{
	struct process_stat stat;

	return process_read_stat(pid, &stat) == 0 ? stat.parent : 0;
}

bool ancestry_descends(pid_t pid, pid_t ancestor)
{
	for (int i = 0; i < ANCESTORS && pid > 1; i++) {
		pid = parent_of(pid);
		if (pid == ancestor)
			return true;
	}
	return false;
}
