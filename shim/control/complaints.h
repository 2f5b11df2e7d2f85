/* SPDX-License-Identifier: MIT */
/* Owns the complaints about a bad setting or a refused hand-over that wait for the log. A program that
 * never binds or listens opens no log, whatever its variables say. */
#ifndef OCTOPUS_COMPLAINTS_H
#define OCTOPUS_COMPLAINTS_H

/* Keeps a line, formatted as by text_format(); some lines at most. Context: init, or one thread. */
void complaints_keep(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Logs the lines as errors, each once, and how many there was no room for. Context: normal. */
void complaints_log(void);

#endif
