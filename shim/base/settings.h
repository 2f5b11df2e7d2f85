/* SPDX-License-Identifier: MIT */
/* Owns the settings: the OCTOPUS_* variables of the start environment. The process reads them when
 * it first listens; a successor reads them in its constructor. */
#ifndef OCTOPUS_SETTINGS_H
#define OCTOPUS_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/signal_set.h"

/* What OCTOPUS_SIGNALS makes a signal do. */
enum request { REQUEST_NONE, REQUEST_REPLACE, REQUEST_FORK, REQUEST_STOP };

struct settings {
	enum request requests[SIGNAL_LAST + 1]; /* by signal number */
	bool kill_master;
	int stop_signal;
	int64_t drain_timeout_ms;
	int64_t ready_timeout_ms;
	int64_t settle_timeout_ms; /* as ready_timeout_ms where nobody has set it */
	int64_t lame_duck_ms;
	int64_t stop_timeout_ms;
	int64_t idle_grace_ms;
	bool http_close;
	char pidfile[PATH_MAX]; /* "": none */
	char log[PATH_MAX];     /* "stderr", "none" or an absolute path */
};

/* Valid at any time: it holds the defaults until settings_read() has run. Context: any. */
extern struct settings settings;

/* Reads all settings through LOOK_UP. A setting with a bad value keeps its default, and COMPLAIN
 * gets one line about it. Relative paths start at DIRECTORY. Context: any. */
void settings_read(const char *(*look_up)(const char *name), const char *directory,
                   void (*complain)(const char *format, ...));

/* Returns the signal with which to ask a process for a stop: TERM if that stops it, or another one that does, or
 * SIGKILL where none does. Context: any. */
int settings_stop_request(void);

/* Reads a duration of at most one day, written `5`, `5s`, `500ms` or `2m`, in ms. Returns 0, or
 * -EINVAL. Context: any. */
int settings_parse_duration(const char *text, int64_t *ret_ms);

#endif
