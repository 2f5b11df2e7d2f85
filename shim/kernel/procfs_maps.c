/* SPDX-License-Identifier: MIT */
#include "kernel/procfs_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/text.h"

/* Before the path there are at most 73 characters (fs/proc/task_mmu.c, show_map_vma). */
#define LONGEST_LINE (PATH_MAX + 128)

struct mapping {
	const char *permissions, *part;
};

/* "ADDRESS-ADDRESS PERMISSIONS OFFSET DEVICE INODE   PATH" */
static bool is_it(const char *line, const struct mapping *wanted)
{
	const char *at = strchr(line, ' ');

	if (!at)
		return false;
	at++;
	if (wanted->permissions &&
	    strncmp(at, wanted->permissions, strlen(wanted->permissions)) != 0)
		return false;
	return strstr(at, wanted->part) != NULL;
}

/* Looks at each whole line of TEXT, and takes the ends away. Returns how much it has read, or -1 if one
 * of them is it. */
static ssize_t look_at_lines(char *text, const struct mapping *wanted)
{
	char *line = text, *end;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (is_it(line, wanted))
			return -1;
	}
	return line - text;
}

static int search(int fd, const struct mapping *wanted)
{
	char text[LONGEST_LINE];
	size_t kept = 0;
	ssize_t part, done;

	while (kept < sizeof(text) - 1 &&
	       (part = libc_calls.read(fd, text + kept, sizeof(text) - 1 - kept)) > 0) {
		text[kept + (size_t)part] = '\0';
		done = look_at_lines(text, wanted);
		if (done < 0)
			return 1;
		kept = kept + (size_t)part - (size_t)done;
		memmove(text, text + done, kept);
	}
	return 0;
}

int procfs_maps_find(pid_t pid, const char *permissions, const char *part)
{
	const struct mapping wanted = {permissions, part};
	char path[64];
	int fd, result;

	text_format(path, sizeof(path), "/proc/%d/maps", pid);
	own_fd_begin();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	result = fd < 0 ? -errno : search(fd, &wanted);
	if (fd >= 0)
		libc_calls.close(fd);
	own_fd_end();
	return result;
}
