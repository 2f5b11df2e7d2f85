/* SPDX-License-Identifier: MIT */
#include "generation/pidfile_kept.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/kept_fd.h"
#include "base/own_fd.h"
#include "base/raw_syscall.h"
#include "base/text.h"
#include "kernel/sandbox.h"

/* No pid and newline are longer. */
#define LONGEST 16

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

/* The kernel promises a reader no more than whole bytes: while another process reads, a write may show in
 * part (ext4 takes no lock for a read). So the first byte says for a moment that there is no number, and
 * gets its digit last. */
static int write_in_place(int fd, pid_t pid)
{
	char text[LONGEST + 1];
	const size_t length = text_format(text, sizeof(text), "%d\n", pid);
	int error = pwrite_all(fd, "#", 1, 0);

	if (!error)
		error = pwrite_all(fd, text + 1, length - 1, 1);
	if (!error && ftruncate(fd, (off_t)length) != 0)
		error = -errno;
	return error ? error : pwrite_all(fd, text, 1, 0);
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
