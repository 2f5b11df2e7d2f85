/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/log_target.h"
#include "base/own_fd.h"
#include "base/raw_stat.h"
#include "base/settings.h"
#include "base/text.h"

#define LONGEST_LINE 1024

/* log_remember_stderr() and log_start() write it; any thread reads it. */
static struct {
	long utc_offset;
	dev_t stderr_dev;
	ino_t stderr_ino;
	bool had_stderr;
	_Atomic bool cannot_open, cannot_print;
	_Atomic bool is_checked;
	const char *_Atomic refusal; /* the last one that a line was about; NULL: none since */
} log_state;

void log_remember_stderr(void)
{
	struct stat what;

	if (raw_fstat(STDERR_FILENO, &what) != 0)
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

	if (raw_fstat(STDERR_FILENO, &what) != 0)
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

/* Returns the length. */
static size_t format_line(char line[LONGEST_LINE], const char *level, const char *format,
                          va_list list)
{
	char stamp[32];
	size_t length;

	log_format_time(stamp, sizeof(stamp), clock_date(), '/');
	length = text_format(line, LONGEST_LINE, "%s %s ", stamp, level);
	length += text_format_list(line + length, LONGEST_LINE - length - 1, format, list);
	/* A value from the environment may hold any byte; one event stays one line. */
	for (size_t i = 0; i < length; i++)
		line[i] = (unsigned char)line[i] < ' ' || line[i] == 127 ? '?' : line[i];
	line[length++] = '\n';
	return length;
}

/* About the log itself, on stderr. */
__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
	char line[LONGEST_LINE];
	va_list list;

	va_start(list, format);
	write_to_stderr(line, format_line(line, "[ERR]", format, list));
	va_end(list);
}

/* Says so once, and again when another reason, or a line that was written, has come between. */
static void note_refusal(const char *why)
{
	if (atomic_exchange(&log_state.refusal, why) != why && why)
		complain(
			"OCTOPUS_LOG=\"%.100s\": refused, as %s. Expected a file of root's or the server's user's, in a directory in which nobody else may write. Using stderr.",
			settings.log, why);
}

/* Returns 0, or the -errno for which nothing was written. */
static int write_to_target(const char *line, size_t length, const char **ret_why)
{
	int fd;

	own_fd_begin();
	fd = log_target_open(ret_why);
	if (fd >= 0) {
		(void)!libc_calls.write(fd, line, length);
		libc_calls.close(fd);
	}
	own_fd_end();
	return fd < 0 ? fd : 0;
}

/* Returns 0, or -errno, and *RET_WHY if it is not to be trusted. */
static int try_target(const char **ret_why)
{
	int error = log_target_find(settings.log, ret_why), fd;

	if (error)
		return error;
	own_fd_begin();
	fd = log_target_open(ret_why);
	if (fd >= 0)
		libc_calls.close(fd);
	own_fd_end();
	return fd < 0 && fd != -ENXIO ? fd : 0;
}

/* Each line tries what was refused again; the first to find it so says why. */
void log_check_target(void)
{
	const char *why = NULL;
	int error;

	if (settings.log[0] != '/' || atomic_exchange(&log_state.is_checked, true))
		return;
	error = try_target(&why);
	if (why)
		note_refusal(why);
	if (!error || why)
		return;
	complain(
		"OCTOPUS_LOG=\"%.100s\": cannot be opened, expected stderr, none or a path that can be written. Using the default, stderr.",
		settings.log);
	text_format(settings.log, sizeof(settings.log), "stderr");
}

static bool has_target(void)
{
	if (settings.log[0] == '/')
		log_check_target();
	return settings.log[0] == '/' && !atomic_load(&log_state.cannot_open);
}

static void write_line(const char *line, size_t length)
{
	const char *why = NULL;

	if (strcmp(settings.log, "none") == 0)
		return;
	if (has_target()) {
		const int error = write_to_target(line, length, &why);

		if (!error || why)
			note_refusal(why);
		if (!error)
			return;
	}
	/* The process may be out of descriptors; stderr needs no new one. */
	write_to_stderr(line, length);
}

static void log_line(const char *level, const char *format, va_list list)
{
	const int saved = errno;
	char line[LONGEST_LINE];
	const size_t length = format_line(line, level, format, list);

	write_line(line, length);
	errno = saved;
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
