/* SPDX-License-Identifier: MIT */
/* The files that stay open in a server that has given up root: whatever the server does with their numbers,
 * nobody gets another file for one of them; and the pid file that is written in place.
 * Links: base/kept_fd.c generation/pidfile_kept.c base/own_fd.c base/clock.c base/vdso.c base/text.c
 * Links: kernel/sandbox.c kernel/seccomp_filter.c base/log.c base/log_target.c base/trusted_path.c
 * Links: base/settings.c base/signal_names.c base/libc_calls.c base/failpoint.c
 */
#include "base/kept_fd.h"

#include "expect.h"
#include "generation/pidfile_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOWEST = 1000 };

static const char *path;

/* Opens the file anew and keeps it; returns its number. */
static int keep(enum kept which, const char *text)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		exit(2);
	expect_number("keep", kept_fd_keep(which, fd), 0);
	close(fd);
	return kept_fd_number(which);
}

static bool is_the_file(int fd)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && stat(path, &there) == 0 && here.st_ino == there.st_ino;
}

static void expect_borrowed(const char *what)
{
	const int fd = kept_fd_borrow(KEPT_LOG);

	expect_number(what, fd >= 0 && is_the_file(fd), true);
	expect_number("close-on-exec", fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void nothing_is_kept(void)
{
	expect_number("exists", kept_fd_exists(), false);
	expect_number("number", kept_fd_number(KEPT_LOG), -1);
	expect_number("borrowed", kept_fd_borrow(KEPT_LOG), -EBADF);
	expect_number("next", kept_fd_next(0), -1);
	expect_number("owns -1", kept_fd_owns(-1), false);
	expect_number("owns 0", kept_fd_owns(0), false);
	kept_fd_move_away(0);
	kept_fd_drop(KEPT_LOG);
}

static void kept_is_high_and_private(void)
{
	const int fd = keep(KEPT_LOG, "");

	expect_number("is high", fd >= LOWEST, true);
	expect_number("close-on-exec", fcntl(fd, F_GETFD), FD_CLOEXEC);
	expect_number("exists", kept_fd_exists(), true);
	expect_number("owns", kept_fd_owns(fd), true);
	expect_number("owns another", kept_fd_owns(fd + 1), false);
	expect_number("next", kept_fd_next(3), fd);
	expect_number("next behind it", kept_fd_next(fd + 1), -1);
	expect_borrowed("borrowed");
	kept_fd_drop(KEPT_LOG);
	expect_number("closed", fcntl(fd, F_GETFD), -1);
	nothing_is_kept();
}

static void kept_moves_away(void)
{
	const int fd = keep(KEPT_LOG, "");

	kept_fd_move_away(fd);
	expect_number("has moved", kept_fd_number(KEPT_LOG) > fd, true);
	expect_number("the old number is left to the server", kept_fd_owns(fd), false);
	if (dup2(STDIN_FILENO, fd) != fd)
		exit(2);
	expect_borrowed("borrowed after the move");
	close(fd);
	kept_fd_drop(KEPT_LOG);
}

/* By a call past libc. */
static void number_is_another_file(void)
{
	const int fd = keep(KEPT_LOG, "");

	if (dup2(STDIN_FILENO, fd) != fd)
		exit(2);
	expect_number("number", kept_fd_number(KEPT_LOG), -1);
	expect_number("borrowed", kept_fd_borrow(KEPT_LOG), -EBADF);
	expect_number("owns", kept_fd_owns(fd), false);
	kept_fd_drop(KEPT_LOG);
	expect_number("the server's own stays open", fcntl(fd, F_GETFD) >= 0, true);
	close(fd);
}

static void removed_file_is_no_use(void)
{
	(void)keep(KEPT_LOG, "");
	unlink(path);
	expect_number("borrowed", kept_fd_borrow(KEPT_LOG), -ENOENT);
	kept_fd_drop(KEPT_LOG);
}

static void low_limit_leaves_room(void)
{
	const struct rlimit low = {40, 40};
	const pid_t child = fork();
	int status;

	if (child == 0) {
		expect_number("limit", setrlimit(RLIMIT_NOFILE, &low), 0);
		expect_number("below the limit", keep(KEPT_LOG, "") < 40, true);
		expect_borrowed("borrowed below the limit");
		_exit(expect_status());
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		exit(2);
	expect_number("status with a low limit", status, 0);
}

static void expect_content(const char *what, const char *wanted)
{
	char text[64];
	const int fd = open(path, O_RDONLY);
	const ssize_t length = read(fd, text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = '\0';
	close(fd);
	expect_text(what, text, wanted);
}

static void pid_over(const char *before)
{
	(void)keep(KEPT_PIDFILE, before);
	expect_number("write", pidfile_kept_write(12345), 0);
	expect_content(before, "12345\n");
	expect_number("reads it", pidfile_kept_read(), 12345);
	pidfile_kept_empty(1234);
	expect_content("not emptied for another", "12345\n");
	pidfile_kept_empty(12345);
	expect_content("emptied", "");
	expect_number("empty", pidfile_kept_read(), 0);
}

int main(void)
{
	char name[] = "/tmp/kept_fd_test.XXXXXX";

	close(mkstemp(name));
	path = name;
	nothing_is_kept();
	kept_is_high_and_private();
	kept_moves_away();
	number_is_another_file();
	removed_file_is_no_use();
	low_limit_leaves_room();
	pid_over("");
	pid_over("7\n");
	pid_over("4194304\n\n\n");
	pid_over("what an editor has left here, and no number\n");
	unlink(path);
	return expect_status();
}
