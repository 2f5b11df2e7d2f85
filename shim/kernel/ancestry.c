/* SPDX-License-Identifier: MIT */
#include "kernel/ancestry.h"

#include <string.h>

#include "base/text.h"
#include "kernel/procfs.h"

/* More than any process tree has. */
#define ANCESTORS 64

/* Returns 0 if it is not known. The file says "PID (NAME) STATE PPID". */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	const char *at;
	uint64_t parent;

	text_format(path, sizeof(path), "/proc/%d/stat", pid);
	if (procfs_read(path, text, sizeof(text)) <= 0)
		return 0;
	at = strrchr(text, ')');
	if (!at || strlen(at) < sizeof(") S "))
		return 0;
	at += strlen(") S ");
	return text_read_number(&at, 10, &parent) == 0 ? (pid_t)parent : 0;
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
