/* SPDX-License-Identifier: MIT */
#include "kernel/procfs_children.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/text.h"
#include "kernel/procfs.h"

struct child_visit {
	pid_t pid;
	int error;
	void (*visit)(pid_t child, void *context);
	void *context;
};

/* Visits the numbers in TEXT but one that may go on behind its end. Returns how much it has read. */
static size_t visit_numbers(const char *text, size_t length, const struct child_visit *call)
{
	const char *at = text;
	uint64_t child;

	while (memchr(at, ' ', length - (size_t)(at - text)) &&
	       text_read_number(&at, 10, &child) == 0) {
		call->visit((pid_t)child, call->context);
		at += *at == ' ';
	}
	return (size_t)(at - text);
}

/* The file is a list in which each number is followed by a space (fs/proc/array.c,
 * children_seq_show). */
static void visit_children_of(pid_t tid, void *context)
{
	struct child_visit *call = context;
	char path[64], list[1024];
	size_t kept = 0;
	ssize_t part;
	int fd;

	text_format(path, sizeof(path), "/proc/%d/task/%d/children", call->pid, tid);
	own_fd_begin();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		own_fd_end();
		return; /* the thread may have ended */
	}
	while ((part = libc_calls.read(fd, list + kept, sizeof(list) - 1 - kept)) > 0) {
		const size_t length = kept + (size_t)part;
		size_t done;

		list[length] = '\0';
		done = visit_numbers(list, length, call);
		kept = length - done;
		memmove(list, list + done, kept);
	}
	libc_calls.close(fd);
	own_fd_end();
	call->error = 0;
}

int procfs_each_child(pid_t pid, void (*visit)(pid_t child, void *context), void *context)
{
	struct child_visit call = {pid, -ENOENT, visit, context};
	const int error = procfs_each_task_of(pid, visit_children_of, &call);

	return error ? error : call.error;
}
