/* SPDX-License-Identifier: MIT */
/* Owns the log, in which operators read what happened. Lines have the form of NBCFB/Octopus:
 * `2006/01/02 15:04:05 [INFO] text`. */
#ifndef OCTOPUS_LOG_H
#define OCTOPUS_LOG_H

#include <stdbool.h>
#include <time.h>

/* Remembers which file descriptor 2 is now. So no log line lands in another file that gets the
 * number later. Context: init, or the first call of a wrapper. */
void log_remember_stderr(void);

/* Reads the offset of local time from UTC once, because localtime_r(3) takes a lock, and a fork
 * could leave that locked. Context: normal. */
void log_start(void);

/* The same with an offset, in s, that another process has read; and the offset of this one.
 * Context: any. */
void log_start_at(long utc_offset);
long log_utc_offset(void);

/* Looks for the file that settings.log names (base/log_target.h), once. If it cannot be opened, logs
 * that, and sets settings.log to stderr. Accepts a FIFO without a reader, which may come later.
 * Context: normal. */
void log_check_target(void);

/* Formats a line as text_format() does, and writes it to settings.log with one write(2). A path is
 * opened anew for each line. If it is not to be trusted, the line goes to stderr, after one that
 * says why; this is tried again with each line, because a server may give up root, or its directory
 * be set right. A line that cannot be written at once is lost: the server comes first. Leaves errno
 * alone. Context: any. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes WHEN in local time as `YYYY-MM-DD HH:MM:SS`, with SEPARATOR between the parts of the date.
 * Context: any. */
void log_format_time(char *buffer, size_t size, time_t when, char separator);

/* From now on the log makes none of these calls: for CAN_OPEN false, no open(2); for CAN_PRINT false,
 * nothing that a line on stderr needs. What cannot be written is lost. Context: any. */
void log_limit(bool can_open, bool can_print);

#endif
