/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/settings.h"
#include "base/text.h"

/* log_remember_stderr() and log_start() write it; any thread reads it. */
static struct {
	long utc_offset;
	dev_t stderr_dev;
	ino_t stderr_ino;
	bool had_stderr;
	_Atomic bool cannot_open, cannot_print;
} log_state;

void log_remember_stderr(void)
{
	struct stat what;

	if (fstat(STDERR_FILENO, &what) != 0)
		return;
	log_state.stderr_dev = what.st_dev;
	log_state.stderr_ino = what.st_ino;
	log_state.had_stderr = true;
}

void log_start(void)
{
	const time_t now = clock_date();
	struct tm local;

	if (localtime_r(&now, &local))
		log_state.utc_offset = local.tm_gmtoff;
}

/* Converts days since 1970-01-01 to a civil date (Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms", civil_from_days). */
static void civil_date(long days, int *ret_year, int *ret_month, int *ret_day)
{
	const long shifted = days + 719468;
	const long era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	const long day_of_era = shifted - era * 146097;
	const long year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	const long day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const long month_index = (5 * day_of_year + 2) / 153;

	*ret_day = (int)(day_of_year - (153 * month_index + 2) / 5 + 1);
	*ret_month = (int)(month_index < 10 ? month_index + 3 : month_index - 9);
	*ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

void log_format_time(char *buffer, size_t size, time_t when, char separator)
{
	const char between[] = {separator, '\0'};
	const long local = (long)when + log_state.utc_offset;
	const long days = (local - (local % 86400 + 86400) % 86400) / 86400;
	const int second = (int)(local - days * 86400);
	int year, month, day;

	civil_date(days, &year, &month, &day);
	text_format(buffer, size, "%d%s%02d%s%02d %02d:%02d:%02d", year, between, month, between,
	            day, second / 3600, second / 60 % 60, second % 60);
}

/* A daemon closes descriptor 2, and the server may reuse the number for anything. If 2 is no longer
 * the first stderr, we write only where a stray line does no harm: to a terminal, a pipe, /dev/null
 * or a log file. */
static bool stderr_is_safe(void)
{
	struct stat what;

	if (fstat(STDERR_FILENO, &what) != 0)
		return false;
	if (log_state.had_stderr && what.st_dev == log_state.stderr_dev &&
	    what.st_ino == log_state.stderr_ino)
		return true;
	if (S_ISREG(what.st_mode))
		return (fcntl(STDERR_FILENO, F_GETFL) & O_APPEND) != 0;
	return S_ISCHR(what.st_mode) || S_ISFIFO(what.st_mode);
}

/* A write to a pipe or terminal that nobody reads would block the server, so such a line is lost. A
 * pipe that polls writable takes PIPE_BUF bytes at once (pipe(7)). */
static bool takes_a_line(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLOUT};

	return libc_calls.poll(&request, 1, 0) == 1 && (request.revents & POLLOUT);
}

static int open_target(void)
{
	return open(settings.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
	            0644);
}

void log_limit(bool can_open, bool can_print)
{
	atomic_store(&log_state.cannot_open, !can_open);
	atomic_store(&log_state.cannot_print, !can_print);
}

static void write_to_stderr(const char *line, size_t length)
{
	if (!atomic_load(&log_state.cannot_print) && stderr_is_safe() &&
	    takes_a_line(STDERR_FILENO))
		(void)!libc_calls.write(STDERR_FILENO, line, length);
}

static void write_line(const char *line, size_t length)
{
	int fd;

	if (strcmp(settings.log, "none") == 0)
		return;
	own_fd_begin();
	fd = settings.log[0] == '/' && !atomic_load(&log_state.cannot_open) ? open_target() : -1;
	if (fd >= 0) {
		(void)!libc_calls.write(fd, line, length);
		libc_calls.close(fd);
	}
	own_fd_end();
	/* The process may be out of descriptors; stderr needs no new one. */
	if (fd < 0)
		write_to_stderr(line, length);
}

static void log_line(const char *level, const char *format, va_list list)
{
	const int saved = errno;
	char line[1024];
	char stamp[32];
	size_t length;

	log_format_time(stamp, sizeof(stamp), clock_date(), '/');
	length = text_format(line, sizeof(line), "%s %s ", stamp, level);
	length += text_format_list(line + length, sizeof(line) - length - 1, format, list);
	/* A value from the environment may hold any byte; one event stays one line. */
	for (size_t i = 0; i < length; i++)
		line[i] = (unsigned char)line[i] < ' ' ? '?' : line[i];
	line[length++] = '\n';
	write_line(line, length);
	errno = saved;
}

void log_check_target(void)
{
	char path[PATH_MAX];
	int fd;

	if (settings.log[0] != '/')
		return;
	fd = open_target();
	if (fd >= 0)
		libc_calls.close(fd);
	if (fd >= 0 || errno == ENXIO)
		return;
	text_format(path, sizeof(path), "%s", settings.log);
	text_format(settings.log, sizeof(settings.log), "stderr");
	log_error(
		"OCTOPUS_LOG=\"%.100s\": cannot be opened, expected stderr, none or a path that can be written. Using the default, stderr.",
		path);
}

void log_info(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	log_line("[INFO]", format, list);
	va_end(list);
}

void log_error(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	log_line("[ERR]", format, list);
	va_end(list);
}
