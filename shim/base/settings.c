/* SPDX-License-Identifier: MIT */
#include "base/settings.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/signal_names.h"
#include "base/signal_set.h"
#include "base/text.h"

#define LONGEST_MS (24 * 60 * 60 * 1000LL)

struct settings settings = {
	.requests =
		{
			[SIGHUP] = REQUEST_REPLACE,
			[SIGUSR1] = REQUEST_FORK,
			[SIGUSR2] = REQUEST_FORK,
			[SIGINT] = REQUEST_STOP,
			[SIGTERM] = REQUEST_STOP,
		},
	.stop_signal = SIGTERM,
	.drain_timeout_ms = 5000,
	.ready_timeout_ms = 30000,
	.settle_timeout_ms = 30000,
	.lame_duck_ms = 0,
	.stop_timeout_ms = 10000,
	.idle_grace_ms = 1000,
	.http_close = true,
	.log = "stderr",
};

int settings_stop_request(void)
{
	if (settings.requests[SIGTERM] == REQUEST_STOP)
		return SIGTERM;
	FOR_EACH_SIGNAL (sig) {
		if (settings.requests[sig] == REQUEST_STOP)
			return sig;
	}
	return SIGKILL;
}

int settings_parse_duration(const char *text, int64_t *ret_ms)
{
	uint64_t value, scale;

	if (text_read_number(&text, 10, &value) != 0)
		return -EINVAL;
	if (!*text || strcmp(text, "s") == 0)
		scale = 1000;
	else if (strcmp(text, "ms") == 0)
		scale = 1;
	else if (strcmp(text, "m") == 0)
		scale = 60 * 1000;
	else
		return -EINVAL;
	if (value > LONGEST_MS / scale)
		return -EINVAL;
	*ret_ms = (int64_t)(value * scale);
	return 0;
}

static bool is_separator(char c)
{
	return c == ' ' || c == ',' || c == '\t';
}

static int parse_request(const char *word, int length, enum request *ret_request)
{
	static const struct {
		const char *name;
		enum request request;
	} known[] = {{"replace", REQUEST_REPLACE}, {"fork", REQUEST_FORK}, {"stop", REQUEST_STOP}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if ((int)strlen(known[i].name) == length &&
		    strncmp(word, known[i].name, (size_t)length) == 0) {
			*ret_request = known[i].request;
			return 0;
		}
	}
	return -EINVAL;
}

static bool can_be_caught(int sig)
{
	return sig > 0 && sig < 32 && sig != SIGKILL && sig != SIGSTOP && sig != SIGSEGV &&
	       sig != SIGBUS && sig != SIGFPE && sig != SIGILL && sig != SIGTRAP && sig != SIGABRT;
}

/* Parses `HUP=replace USR2=fork TERM=stop INT=stop`. One bad word makes all of it invalid. */
static int parse_signals(const char *text, enum request *requests)
{
	enum request parsed[SIGNAL_LAST + 1] = {REQUEST_NONE};
	bool any = false;

	while (*text) {
		const char *equals, *end;
		enum request request;
		int sig;

		if (is_separator(*text)) {
			text++;
			continue;
		}
		for (end = text; *end && !is_separator(*end); end++)
			;
		equals = memchr(text, '=', (size_t)(end - text));
		if (!equals)
			return -EINVAL;
		sig = signal_parse(text, (int)(equals - text));
		if (!can_be_caught(sig) ||
		    parse_request(equals + 1, (int)(end - equals - 1), &request) != 0)
			return -EINVAL;
		parsed[sig] = request;
		any = true;
		text = end;
	}
	if (!any)
		return -EINVAL;
	memcpy(requests, parsed, sizeof(parsed));
	return 0;
}

static int parse_switch(const char *text, bool *ret_on)
{
	if (strcmp(text, "1") != 0 && strcmp(text, "0") != 0)
		return -EINVAL;
	*ret_on = *text == '1';
	return 0;
}

static void read_durations(const char *(*look_up)(const char *),
                           void (*complain)(const char *, ...))
{
	static const struct {
		const char *name;
		int64_t *value;
	} durations[] = {
		{"OCTOPUS_DRAIN_TIMEOUT", &settings.drain_timeout_ms},
		{"OCTOPUS_READY_TIMEOUT", &settings.ready_timeout_ms},
		{"OCTOPUS_SETTLE_TIMEOUT", &settings.settle_timeout_ms},
		{"OCTOPUS_LAME_DUCK", &settings.lame_duck_ms},
		{"OCTOPUS_STOP_TIMEOUT", &settings.stop_timeout_ms},
		{"OCTOPUS_IDLE_GRACE", &settings.idle_grace_ms},
	};

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		const char *text = look_up(durations[i].name);

		if (durations[i].value == &settings.settle_timeout_ms)
			settings.settle_timeout_ms = settings.ready_timeout_ms;
		if (text && settings_parse_duration(text, durations[i].value) != 0)
			complain(
				"%s=\"%.100s\": expected a duration of at most a day, like 5, 5s, 500ms or 2m. Using the default, %ld ms.",
				durations[i].name, text, (long)*durations[i].value);
	}
}

/* A daemon may change its directory before it uses the path. Returns 0, or -ENAMETOOLONG. */
static int make_absolute(const char *text, const char *directory, char *path)
{
	const size_t length = text[0] == '/' || !directory
	                              ? text_format(path, PATH_MAX, "%s", text)
	                              : text_format(path, PATH_MAX, "%s/%s", directory, text);

	return length + 1 < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static void read_paths(const char *(*look_up)(const char *), const char *directory,
                       void (*complain)(const char *, ...))
{
	const char *text = look_up("OCTOPUS_LOG");

	if (text && (!strcmp(text, "stderr") || !strcmp(text, "none"))) {
		text_format(settings.log, PATH_MAX, "%s", text);
	} else if (text && (!*text || make_absolute(text, directory, settings.log) != 0)) {
		text_format(settings.log, PATH_MAX, "stderr");
		complain(
			"OCTOPUS_LOG=\"%.100s\": expected stderr, none or a path that can be written. Using the default, stderr.",
			text);
	}
	text = look_up("OCTOPUS_PIDFILE");
	if (text && (!*text || make_absolute(text, directory, settings.pidfile) != 0)) {
		settings.pidfile[0] = '\0';
		complain("OCTOPUS_PIDFILE=\"%.100s\": expected a path. No pid file is written.",
		         text);
	}
}

void settings_read(const char *(*look_up)(const char *name), const char *directory,
                   void (*complain)(const char *format, ...))
{
	const char *text;
	int sig;

	read_paths(look_up, directory, complain);
	text = look_up("OCTOPUS_SIGNALS");
	if (text && parse_signals(text, settings.requests) != 0)
		complain(
			"OCTOPUS_SIGNALS=\"%.100s\": expected SIGNAL=replace, SIGNAL=fork or SIGNAL=stop, separated by spaces. Using the default, HUP=replace USR1=fork USR2=fork INT=stop TERM=stop.",
			text);
	text = look_up("OCTOPUS_KILL_MASTER");
	if (text && parse_switch(text, &settings.kill_master) != 0)
		complain("OCTOPUS_KILL_MASTER=\"%.100s\": expected 0 or 1. Using the default, 0.",
		         text);
	text = look_up("OCTOPUS_HTTP_CLOSE");
	if (text && strcmp(text, "auto") != 0 && strcmp(text, "off") != 0)
		complain(
			"OCTOPUS_HTTP_CLOSE=\"%.100s\": expected auto or off. Using the default, auto.",
			text);
	else if (text)
		settings.http_close = strcmp(text, "auto") == 0;
	text = look_up("OCTOPUS_STOP_SIGNAL");
	if (text) {
		sig = signal_parse(text, (int)strlen(text));
		if (sig > 0 && sig < 32 && sig != SIGSTOP)
			settings.stop_signal = sig;
		else
			complain(
				"OCTOPUS_STOP_SIGNAL=\"%.100s\": expected the name of a signal, like TERM or QUIT. Using the default, TERM.",
				text);
	}
	read_durations(look_up, complain);
}
