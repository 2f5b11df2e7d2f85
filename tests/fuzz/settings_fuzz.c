/* SPDX-License-Identifier: MIT */
/* Fuzzes the settings: whatever the environment says, each value is in its range afterwards, and a
 * bad one is named in a line that says what is expected. The input is the values, in the order of
 * `names`, each with a NUL behind it.
 * Links: base/settings.c base/signal_names.c base/text.c */
#include "base/settings.h"
#include "base/signal_names.h"
#include "base/text.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

static const char *const names[] = {
	"OCTOPUS_SIGNALS",      "OCTOPUS_KILL_MASTER",
	"OCTOPUS_STOP_SIGNAL",  "OCTOPUS_LOG",
	"OCTOPUS_PIDFILE",      "OCTOPUS_DRAIN_TIMEOUT",
	"OCTOPUS_LAME_DUCK",    "OCTOPUS_READY_TIMEOUT",
	"OCTOPUS_STOP_TIMEOUT", "OCTOPUS_SETTLE_TIMEOUT",
	"OCTOPUS_IDLE_GRACE",   "OCTOPUS_HANDOVER",
};

enum { NAMES = sizeof(names) / sizeof(names[0]), LONGEST = 8192, DAY_MS = 24 * 60 * 60 * 1000 };

static char text[LONGEST + 1];
static const char *values[NAMES]; /* NULL: not set */

static void demand(bool claim)
{
	if (!claim)
		__builtin_trap();
}

static const char *look_up(const char *name)
{
	for (int i = 0; i < NAMES; i++) {
		if (strcmp(names[i], name) == 0)
			return values[i];
	}
	return NULL;
}

static void complain(const char *format, ...)
{
	char line[1024];
	va_list list;

	va_start(list, format);
	demand(text_format_list(line, sizeof(line), format, list) < sizeof(line));
	va_end(list);
	demand(strncmp(line, "OCTOPUS_", 8) == 0);
	demand(strstr(line, "expected") != NULL);
}

static bool is_duration(int64_t ms)
{
	return ms >= 0 && ms <= DAY_MS;
}

static void check(void)
{
	for (int sig = 0; sig < 65; sig++) {
		demand(settings.requests[sig] >= REQUEST_NONE &&
		       settings.requests[sig] <= REQUEST_STOP);
		demand(settings.requests[sig] == REQUEST_NONE ||
		       (sig > 0 && sig < 32 && sig != SIGKILL && sig != SIGSTOP));
	}
	demand(settings.stop_signal > 0 && settings.stop_signal < 32 &&
	       settings.stop_signal != SIGSTOP);
	demand(is_duration(settings.drain_timeout_ms) && is_duration(settings.ready_timeout_ms) &&
	       is_duration(settings.lame_duck_ms) && is_duration(settings.stop_timeout_ms));
	demand(settings.log[0] && memchr(settings.log, 0, sizeof(settings.log)));
	demand(settings.log[0] == '/' || !strcmp(settings.log, "stderr") ||
	       !strcmp(settings.log, "none"));
	demand(memchr(settings.pidfile, 0, sizeof(settings.pidfile)) != NULL);
	demand(!settings.pidfile[0] || settings.pidfile[0] == '/');
}

static void parse_one_by_one(const char *value)
{
	int64_t ms;
	int sig;

	if (settings_parse_duration(value, &ms) == 0)
		demand(is_duration(ms));
	sig = signal_parse(value, (int)strlen(value));
	demand(sig < 0 || (sig >= 1 && sig <= 64));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings defaults;
	static bool is_known;
	size_t at = 0;

	if (!is_known)
		defaults = settings;
	is_known = true;
	settings = defaults;
	size = size < LONGEST ? size : LONGEST;
	memcpy(text, data, size);
	text[size] = '\0';
	memset(values, 0, sizeof(values));
	for (int i = 0; i < NAMES && at < size; i++) {
		values[i] = text + at;
		parse_one_by_one(values[i]);
		at += strlen(values[i]) + 1;
	}
	settings_read(look_up, "/srv/app", complain);
	check();
	return 0;
}
