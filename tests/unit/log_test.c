/* SPDX-License-Identifier: MIT */
/* The time in a log line against strftime(3), in zones east and west, and the line itself.
 * Links: base/clock.c base/vdso.c base/log.c base/log_target.c base/trusted_path.c base/settings.c base/signal_names.c base/text.c base/own_fd.c base/kept_fd.c
 */
#include "expect.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Stands in for the resolver: the real functions are what this program is linked with. */
struct libc_calls libc_calls = {.close = close, .poll = poll, .read = read, .write = write};

static void check_time(time_t when)
{
	char ours[32], theirs[32];
	struct tm local;

	localtime_r(&when, &local);
	strftime(theirs, sizeof(theirs), "%Y-%m-%d %H:%M:%S", &local);
	log_format_time(ours, sizeof(ours), when, '-');
	expect_text("time", ours, theirs);
	strftime(theirs, sizeof(theirs), "%Y/%m/%d %H:%M:%S", &local);
	log_format_time(ours, sizeof(ours), when, '/');
	expect_text("time", ours, theirs);
}

/* Zones without summer time: the offset is fixed once, when the log starts. */
static void check_zone(const char *zone)
{
	static const time_t moments[] = {0,          1,          86399,      86400,      951782399,
	                                 951782400,  951868799,  951868800,  1078099199, 1709164800,
	                                 1709251199, 1709251200, 1735689599, 1735689600, 2147483647,
	                                 2147483648, 4107542399, 4107542400};

	setenv("TZ", zone, 1);
	tzset();
	log_start();
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++)
		check_time(moments[i]);
	/* Every day from 1999 to 2110 or so, each at another time of the day. */
	for (time_t when = 915148800; when < 4417000000; when += 86400 + 61)
		check_time(when);
}

static size_t read_log(const char *path, char *buffer, size_t size)
{
	const int fd = open(path, O_RDONLY);
	const ssize_t length = fd < 0 ? 0 : read(fd, buffer, size - 1);

	if (fd >= 0)
		close(fd);
	buffer[length < 0 ? 0 : length] = '\0';
	return strlen(buffer);
}

/* True if TEXT looks like PATTERN, in which # is any digit. */
static int is_like(const char *text, const char *pattern)
{
	for (; *pattern; text++, pattern++) {
		const int is_digit = *text >= '0' && *text <= '9';

		if (*pattern == '#' ? !is_digit : *text != *pattern)
			return 0;
	}
	return !*text;
}

static void check_lines(const char *path)
{
	static char long_word[4096];
	char text[4096];

	snprintf(settings.log, sizeof(settings.log), "%s", path);
	errno = 4711;
	log_info("The server has started (%d).", 42);
	expect_number("errno afterwards", errno, 4711);
	read_log(path, text, sizeof(text));
	expect_number(text,
	              is_like(text, "####/##/## ##:##:## [INFO] The server has started (42).\n"),
	              1);
	truncate(path, 0);
	log_error("%s=\"%s\"", "A", "one\ntwo\033[1m\177");
	read_log(path, text, sizeof(text));
	expect_number(text, is_like(text, "####/##/## ##:##:## [ERR] A=\"one?two?[1m?\"\n"), 1);
	truncate(path, 0);
	memset(long_word, 'x', sizeof(long_word) - 1);
	log_info("%s", long_word);
	log_info("next");
	read_log(path, text, sizeof(text));
	expect_number("one line ends before the next", strchr(text, '\n')[1] == '2', 1);
	truncate(path, 0);
	snprintf(settings.log, sizeof(settings.log), "none");
	log_info("nothing");
	expect_number("log none", (long)read_log(path, text, sizeof(text)), 0);
}

/* A number 2 that has become something else, a file of the server's say, is not written to. */
static void check_stderr(const char *path)
{
	const int kept = dup(STDERR_FILENO), pipe_end = open(path, O_RDWR | O_TRUNC);
	char text[256];

	snprintf(settings.log, sizeof(settings.log), "stderr");
	log_remember_stderr();
	dup2(pipe_end, STDERR_FILENO);
	log_info("astray");
	expect_number("a stranger at number 2", (long)read_log(path, text, sizeof(text)), 0);
	log_remember_stderr();
	log_info("at home");
	expect_number("the stderr of the start", read_log(path, text, sizeof(text)) > 0, 1);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(pipe_end);
}

int main(void)
{
	const char *zones[] = {"UTC", "XXX-5:45", "XXX+11:30", "XXX-14", "XXX+12"};
	char path[] = "/tmp/log_test_XXXXXX";

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		check_zone(zones[i]);
	close(mkstemp(path));
	check_lines(path);
	check_stderr(path);
	unlink(path);
	return expect_status();
}
