/* SPDX-License-Identifier: MIT */
#include "kernel/unix_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "kernel/procfs.h"

/* The columns: Num RefCount Protocol Flags Type St Inode Path. */
enum { FLAGS = 3, INODE = 6, COLUMNS };

#define ACCEPTS 0x10000 /* include/linux/net.h, __SO_ACCEPTCON */

struct line {
	int column; /* COLUMNS: the rest, a path of any bytes but a newline */
	bool is_blank;
	uint64_t flags, inode;
};

static void read_byte(struct line *line, char byte)
{
	const bool is_blank = byte == ' ';
	const int value = procfs_digit(byte);

	if (line->column == COLUMNS)
		return;
	if (is_blank && !line->is_blank)
		line->column++;
	line->is_blank = is_blank;
	if (value < 0)
		return;
	if (line->column == FLAGS)
		line->flags = line->flags * 16 + (uint64_t)value;
	else if (line->column == INODE)
		line->inode = line->inode * 10 + (uint64_t)value;
}

static bool find(int fd, uint64_t socket)
{
	struct line line = {0};
	char bytes[1024];
	ssize_t n;

	while ((n = libc_calls.read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] != '\n') {
				read_byte(&line, bytes[i]);
				continue;
			}
			if (line.inode == socket && line.flags & ACCEPTS)
				return true;
			line = (struct line){0};
		}
	}
	return false;
}

bool unix_sockets_has_listening(uint64_t socket)
{
	bool is_found = false;
	int fd;

	own_fd_begin();
	fd = open("/proc/net/unix", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		is_found = find(fd, socket);
		libc_calls.close(fd);
	}
	own_fd_end();
	return is_found;
}
