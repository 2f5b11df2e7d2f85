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

/* The kernel shows it as "socket:[INODE]" (proc(5), "fd"). */
uint64_t kinship_socket_of(pid_t pid, int fd)
{
	static const char prefix[] = "socket:[";
	const size_t length = sizeof(prefix) - 1;
	char path[64], what[32] = "";
	const char *at = what + length;
	uint64_t socket;

	text_format(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	if (readlink(path, what, sizeof(what) - 1) <= 0 || strncmp(what, prefix, length) != 0 ||
	    text_read_number(&at, 10, &socket) != 0)
		return 0;
	return socket;
}

struct search {
	pid_t pid;
	uint64_t wanted;
	bool is_found;
};

static void look(int fd, void *context)
{
	struct search *search = context;

	search->is_found = search->is_found || kinship_socket_of(search->pid, fd) == search->wanted;
}

bool kinship_by_socket(pid_t pid, uint64_t socket)
{
	struct search search = {.pid = pid, .wanted = socket};

	return socket && procfs_each_fd_of(pid, look, &search) == 0 && search.is_found;
}
