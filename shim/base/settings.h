/* SPDX-License-Identifier: MIT */
/* The settings: OCTOPUS_* variables of the start environment, read when the process first listens. */
#ifndef OCTOPUS_SETTINGS_H
#define OCTOPUS_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/signal_set.h"

/* What a signal asks for. */
enum request { REQUEST_NONE, REQUEST_REPLACE, REQUEST_FORK, REQUEST_STOP };

struct settings {
	enum request requests[SIGNAL_LAST + 1]; /* by signal number */
	bool kill_master;
	int stop_signal;
	int64_t drain_timeout_ms;
	int64_t ready_timeout_ms;
	int64_t lame_duck_ms;
	int64_t stop_timeout_ms;
	int64_t idle_grace_ms;
	bool http_close;
	char pidfile[PATH_MAX]; /* "": none */
	char log[PATH_MAX];     /* "stderr", "none" or an absolute path */
};

/* Valid at any time: the defaults until settings_read() has run. Context: any. */
extern struct settings settings;

/* Reads all of them through LOOK_UP and tells COMPLAIN, in one line each, of those that have a bad
 * value and so keep the default. Relative paths start at DIRECTORY. Context: any. */
void settings_read(const char *(*look_up)(const char *name), const char *directory,
                   void (*complain)(const char *format, ...));

/* `5`, `5s`, `500ms`, `2m`: ms. Returns 0, or -EINVAL. At most one day. Context: any. */
int settings_parse_duration(const char *text, int64_t *ret_ms);

#endif
