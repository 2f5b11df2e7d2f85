/* SPDX-License-Identifier: MIT */
/* The log: where the operator reads what happened, in upstream's voice and form:
 * `2006/01/02 15:04:05 [INFO] text`. */
#ifndef OCTOPUS_LOG_H
#define OCTOPUS_LOG_H

#include <time.h>

/* Remembers what descriptor 2 is now, so that a log line never lands in something else that took
 * its number. Context: init. */
void log_remember_stderr(void);

/* Fixes the offset of local time from UTC, since localtime_r(3) takes a lock that a fork could cut
 * in two. The target is settings.log; a path is opened anew for each line, so that it survives
 * rotation and no descriptor is held. Context: normal. */
void log_start(void);

/* Falls back to stderr, and says so, when settings.log is a path that cannot be written. A FIFO may get
 * its reader later. Context: normal. */
void log_check_target(void);

/* One line, one write(2). A line that cannot be written is lost: the server comes first.
 * Formats as text_format() does. Leaves errno alone. Context: any. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes local WHEN as `YYYY-MM-DD HH:MM:SS`, or with '/' between the parts of the date.
 * Context: any. */
void log_format_time(char *buffer, size_t size, time_t when, char separator);

#endif
