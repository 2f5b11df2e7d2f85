/* SPDX-License-Identifier: MIT */
#include "kernel/kinship.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/procfs.h"

bool kinship_of_images(const struct process_stat *one, const struct process_stat *other)
{
	return one->stack && one->stack == other->stack;
}

struct search {
	pid_t pid;
	char wanted[32];
	bool is_found;
};

static void look(int fd, void *context)
{
	struct search *search = context;
	char path[64], what[32];
	ssize_t length;

	if (search->is_found)
		return;
	text_format(path, sizeof(path), "/proc/%d/fd/%d", search->pid, fd);
	length = readlink(path, what, sizeof(what) - 1);
	if (length > 0) {
		what[length] = '\0';
		search->is_found = strcmp(what, search->wanted) == 0;
	}
}

/* The kernel shows it as "socket:[INODE]" (proc(5), "fd"). */
bool kinship_by_socket(pid_t pid, uint64_t socket)
{
	struct search search = {.pid = pid};

	text_format(search.wanted, sizeof(search.wanted), "socket:[%lu]", (unsigned long)socket);
	return socket && procfs_each_fd_of(pid, look, &search) == 0 && search.is_found;
}
