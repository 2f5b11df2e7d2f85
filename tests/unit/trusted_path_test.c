/* SPDX-License-Identifier: MIT */
/* Where a path leads, and what may be the log's file. Owners are the matter of paths_trust.bats.
 * Links: base/trusted_path.c base/log_target.c base/own_fd.c base/clock.c base/vdso.c base/text.c base/kept_fd.c
 */
#include "expect.h"
#include "base/interpose.h"
#include "base/log_target.h"
#include "base/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Stands in for the resolver: the real functions are what this program is linked with. */
struct libc_calls libc_calls = {.close = close, .poll = poll, .read = read, .write = write};

static int lowest_fd(void)
{
	const int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

static void check_found(const char *path, const char *wanted)
{
	char found[PATH_MAX];
	const char *why = NULL;

	expect_number(path, trusted_path_find(found, path, true, &why), 0);
	expect_text(path, found, wanted);
	expect_text(path, why ? why : "none", "none");
}

static void check_lost(const char *path, int error)
{
	char found[PATH_MAX] = "x";
	const char *why = NULL;

	expect_number(path, trusted_path_find(found, path, true, &why), error);
	expect_text(path, found, "");
}

/* The directory of the test is D, in which it is. */
static void check_links(const char *d)
{
	char path[PATH_MAX], wanted[PATH_MAX];

	mkdir("real", 0755);
	symlink("real", "relative");
	snprintf(path, sizeof(path), "%s//real///", d);
	symlink(path, "absolute");
	symlink("../relative/other", "real/last");
	symlink("loop", "loop");
	snprintf(wanted, sizeof(wanted), "%s/real/../real/other", d);
	snprintf(path, sizeof(path), "%s/relative/last", d);
	check_found(path, wanted);
	snprintf(path, sizeof(path), "%s/loop", d);
	check_lost(path, -ELOOP);
	snprintf(path, sizeof(path), "%s/loop/name", d);
	check_lost(path, -ELOOP);
	snprintf(path, sizeof(path), "%s/nothing/name", d);
	check_lost(path, -ENOENT);
	snprintf(path, sizeof(path), "%s/absolute/name", d);
	snprintf(wanted, sizeof(wanted), "%s//real////name", d);
	check_found(path, wanted);
	symlink("/dev/stdout", "out");
	snprintf(path, sizeof(path), "%s/out", d);
	check_found(path, "/proc/self/fd/1");
}

static void check_lengths(const char *d)
{
	char path[2 * PATH_MAX];

	memset(path, 'x', sizeof(path));
	snprintf(path, sizeof(path), "%s/", d);
	path[strlen(path)] = 'x';
	path[strlen(d) + 1 + NAME_MAX + 1] = '\0';
	check_lost(path, -ENAMETOOLONG);
	memset(path + strlen(path), '/', PATH_MAX);
	path[sizeof(path) - 1] = '\0';
	check_lost(path, -ENAMETOOLONG);
}

static void check_descriptors(void)
{
	expect_number("self", trusted_path_is_descriptor("/proc/self/fd/1"), 1);
	expect_number("1", trusted_path_is_descriptor("/proc/1/fd/10"), 1);
	expect_number("no number", trusted_path_is_descriptor("/proc/self/fd/"), 0);
	expect_number("a name", trusted_path_is_descriptor("/proc/self/fd/x"), 0);
	expect_number("below it", trusted_path_is_descriptor("/proc/self/fd/3/x"), 0);
	expect_number("elsewhere", trusted_path_is_descriptor("/srv/self/fd/3"), 0);
}

static int open_log(const char **ret_why)
{
	const int fd = log_target_open(ret_why);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

/* Whatever gets the number of a log that was a descriptor is not written to. */
static void check_number_of_log(void)
{
	const int fd = open("first", O_WRONLY | O_CREAT, 0644);
	const int other = open("second", O_WRONLY | O_CREAT, 0644);
	const char *why = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	expect_number("log at a number", log_target_find(path, &why), 0);
	expect_number("the same file", open_log(&why), 0);
	dup2(other, fd);
	expect_number("another file", open_log(&why), -EPERM);
	expect_text("reason", why ? why : "none",
	            "the descriptor is another file than at the start");
	close(fd);
	close(other);
}

static void check_device(const char *d)
{
	char path[PATH_MAX];
	const char *why = NULL;

	expect_number("/dev/null", log_target_find("/dev/null", &why), 0);
	expect_number("/dev/null again", open_log(&why), 0);
	snprintf(path, sizeof(path), "%s/real", d);
	expect_number("a directory", log_target_find(path, &why), 0);
	expect_number("a directory is no log", open_log(&why), -EISDIR);
	expect_text("no reason but that", why ? why : "none", "none");
}

int main(void)
{
	char d[] = "/tmp/trusted_path_test_XXXXXX", command[PATH_MAX];
	const int lowest = lowest_fd();

	if (!mkdtemp(d) || chdir(d) != 0)
		return 1;
	check_links(d);
	check_lengths(d);
	check_descriptors();
	check_number_of_log();
	check_device(d);
	expect_number("lowest free descriptor", lowest_fd(), lowest);
	snprintf(command, sizeof(command), "rm -r %s", d);
	return system(command) == 0 ? expect_status() : 1;
}
