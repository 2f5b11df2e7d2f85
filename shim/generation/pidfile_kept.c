/* SPDX-License-Identifier: MIT */
#include "generation/pidfile_kept.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/kept_fd.h"
#include "base/own_fd.h"
#include "base/raw_stat.h"
#include "base/raw_syscall.h"
#include "base/text.h"
#include "kernel/sandbox.h"

/* No pid and newline are longer. */
#define LONGEST 16
#define LINES "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"

bool pidfile_kept_exists(void)
{
	return kept_fd_exists() && kept_fd_number(KEPT_PIDFILE) >= 0 &&
	       !sandbox_deadly_for_controller(SANDBOX_KEPT);
}

static int pwrite_all(int fd, const char *text, size_t length, off_t at)
{
	const long written = RAW4(SYS_pwrite64, fd, text, length, at);

	if (written < 0)
		return (int)written;
	return written == (long)length ? 0 : -ENOSPC;
}

/* First the file gets its length, by newlines at its end; then one write replaces all of it. A reader
 * that comes between two steps finds no number that is half of another. */
static int write_in_place(int fd, pid_t pid)
{
	char text[LONGEST + 1];
	const size_t length = text_format(text, sizeof(text), "%d\n", pid);
	struct stat what;
	size_t size;
	int error = 0;

	if (raw_fstat(fd, &what) != 0)
		return -errno;
	if (what.st_size > LONGEST) {
		if (ftruncate(fd, 0) != 0)
			return -errno;
		what.st_size = 0;
	}
	size = (size_t)what.st_size;
	if (size < length)
		error = pwrite_all(fd, LINES, length - size, (off_t)size);
	if (error)
		return error;
	memcpy(text + length, LINES, sizeof(text) - length);
	error = pwrite_all(fd, text, size < length ? length : size, 0);
	if (!error && size > length && ftruncate(fd, (off_t)length) != 0)
		error = -errno;
	return error;
}

int pidfile_kept_write(pid_t pid)
{
	int fd, error;

	own_fd_begin();
	fd = kept_fd_borrow(KEPT_PIDFILE);
	error = fd < 0 ? fd : write_in_place(fd, pid);
	if (fd >= 0)
		libc_calls.close(fd);
	own_fd_end();
	return error;
}

static pid_t read_number(int fd)
{
	char text[LONGEST + 1];
	const char *at = text;
	const long length = RAW4(SYS_pread64, fd, text, LONGEST, 0);
	uint64_t number;

	text[length > 0 ? length : 0] = '\0';
	if (text_read_number(&at, 10, &number) != 0 || number > INT_MAX)
		return 0;
	return (pid_t)number;
}

/* Returns the pid in it, and empties it if that is UNWANTED. */
static pid_t look(pid_t unwanted)
{
	pid_t pid = 0;
	int fd;

	own_fd_begin();
	fd = kept_fd_borrow(KEPT_PIDFILE);
	if (fd >= 0) {
		pid = read_number(fd);
		if (pid && pid == unwanted)
			(void)!ftruncate(fd, 0);
		libc_calls.close(fd);
	}
	own_fd_end();
	return pid;
}

pid_t pidfile_kept_read(void)
{
	return look(0);
}

void pidfile_kept_empty(pid_t pid)
{
	(void)look(pid);
}
