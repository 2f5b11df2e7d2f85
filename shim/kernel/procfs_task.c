/* SPDX-License-Identifier: MIT */
#include "kernel/procfs_task.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "kernel/procfs.h"

int procfs_task_syscall(pid_t tid, long *ret_call, long *ret_argument)
{
	char path[64], text[256];
	const char *at = text;
	uint64_t call, argument = 0;
	ssize_t length;

	text_format(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	length = procfs_read(path, text, sizeof(text));
	if (length < 0)
		return (int)length;
	*ret_call = -1;
	*ret_argument = -1;
	if (text_read_number(&at, 10, &call) != 0)
		return 0; /* "running", or "-1" for a thread that is not in a system call */
	if (strncmp(at, " 0x", 3) == 0) {
		at += 3;
		(void)text_read_number(&at, 16, &argument);
	}
	*ret_call = (long)call;
	*ret_argument = (long)argument;
	return 0;
}

int procfs_task_state(pid_t tid)
{
	char path[64];

	text_format(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	return procfs_read_state(path);
}

int procfs_task_read_mask(pid_t tid, const char *name, uint64_t *ret_mask)
{
	char path[64];

	text_format(path, sizeof(path), "/proc/self/task/%d/status", tid);
	return procfs_read_mask(path, name, ret_mask);
}
