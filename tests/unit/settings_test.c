/* SPDX-License-Identifier: MIT */
/* Durations, signals, and what becomes of a bad value: the default, and one complaint that names the
 * variable, the value and what is expected.
 * Links: base/settings.c base/signal_names.c base/text.c
 */
#include "expect.h"
#include "base/settings.h"
#include "base/signal_names.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static struct {
	const char *name;
	const char *value;
	int complaints;
	char complaint[2 * PATH_MAX];
} given;

static const char *look_up(const char *name)
{
	return strcmp(name, given.name) == 0 ? given.value : NULL;
}

static void complain(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	text_format_list(given.complaint, sizeof(given.complaint), format, list);
	va_end(list);
	given.complaints++;
}

/* settings_read() runs once in a process; each case begins with the defaults. */
static void read_with(const char *name, const char *value)
{
	static struct settings defaults;
	static int has_defaults;

	if (!has_defaults)
		defaults = settings;
	has_defaults = 1;
	settings = defaults;
	given.name = name;
	given.value = value;
	given.complaints = 0;
	given.complaint[0] = '\0';
	settings_read(look_up, "/where/it/started", complain);
}

static void expect_good(const char *name, const char *value)
{
	read_with(name, value);
	expect_number(value, given.complaints, 0);
	expect_text(value, given.complaint, "");
}

/* The rest of the sentence differs; what it must hold does not. A value is cut where it would push the
 * rest out of the line. */
static void expect_bad(const char *name, const char *value, const char *expected)
{
	char quoted[2 * PATH_MAX];

	read_with(name, value);
	snprintf(quoted, sizeof(quoted), "%s=\"%.100s\": expected ", name, value);
	expect_number(quoted, given.complaints, 1);
	expect_number(quoted, strncmp(given.complaint, quoted, strlen(quoted)), 0);
	if (!strstr(given.complaint, expected)) {
		printf("%s: does not say \"%s\"\n", given.complaint, expected);
		expect_misses++;
	}
}

static void check_duration(const char *text, int64_t wanted)
{
	int64_t ms = -7;

	expect_number(text, settings_parse_duration(text, &ms), wanted < 0 ? -EINVAL : 0);
	expect_number(text, (long)ms, (long)(wanted < 0 ? -7 : wanted));
}

static void check_durations(void)
{
	static const char *const bad[] = {"",
	                                  "s",
	                                  "ms",
	                                  "-1",
	                                  "+5",
	                                  "5 s",
	                                  " 5",
	                                  "5s ",
	                                  "5h",
	                                  "5S",
	                                  "0x5",
	                                  "5.5",
	                                  "1e3",
	                                  "86401",
	                                  "1441m",
	                                  "86400001ms",
	                                  "5sm",
	                                  "five",
	                                  "5mss",
	                                  "99999999999999999999",
	                                  "18446744073709552"};

	check_duration("0", 0);
	check_duration("5", 5000);
	check_duration("5s", 5000);
	check_duration("05", 5000);
	check_duration("500ms", 500);
	check_duration("2m", 120000);
	check_duration("86400", 86400000);
	check_duration("1440m", 86400000);
	check_duration("86400000ms", 86400000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_duration(bad[i], -1);
}

static void check_signal_names(void)
{
	static const struct {
		const char *text;
		int number;
	} signals[] = {{"HUP", SIGHUP},      {"SIGHUP", SIGHUP},     {"USR1", SIGUSR1},
	               {"SIGUSR2", SIGUSR2}, {"TERM", SIGTERM},      {"SIGWINCH", SIGWINCH},
	               {"QUIT", SIGQUIT},    {"1", SIGHUP},          {"15", SIGTERM},
	               {"64", 64},           {"0", -EINVAL},         {"65", -EINVAL},
	               {"", -EINVAL},        {"SIG", -EINVAL},       {"hup", -EINVAL},
	               {"HUPP", -EINVAL},    {"HU", -EINVAL},        {"USR", -EINVAL},
	               {"-1", -EINVAL},      {"SIGSIGHUP", -EINVAL}, {"15x", -EINVAL}};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		expect_number(signals[i].text,
		              signal_parse(signals[i].text, (int)strlen(signals[i].text)),
		              signals[i].number);
	/* The word is not the end of the text. */
	expect_number("HUP=replace", signal_parse("HUP=replace", 3), SIGHUP);
	expect_number("1=replace", signal_parse("1=replace", 1), SIGHUP);
	expect_text("text of HUP", signal_text(SIGHUP), "hangup");
	expect_text("text of INT", signal_text(SIGINT), "interrupt");
	expect_text("text of TERM", signal_text(SIGTERM), "terminated");
	expect_text("text of USR1", signal_text(SIGUSR1), "user defined signal 1");
	expect_text("text of USR2", signal_text(SIGUSR2), "user defined signal 2");
	expect_text("name of USR2", signal_name(SIGUSR2), "USR2");
}

/* What each number asks for, as one word of letters by number: a lower case letter of the request's
 * name, a dot for none. */
static const char *requests(void)
{
	static char map[32];

	for (int sig = 1; sig < 32; sig++)
		map[sig - 1] = ".rfs"[settings.requests[sig]];
	return map;
}

/*                            1         2         3 */
/*                   1234567890123456789012345678901 */
#define DEFAULT_MAP "rs.......f.f..s................"

static void check_defaults(void)
{
	expect_good("OCTOPUS_NOTHING", "");
	expect_text("default signals", requests(), DEFAULT_MAP);
	expect_number("default KILL_MASTER", settings.kill_master, 0);
	expect_number("default DRAIN_TIMEOUT", (long)settings.drain_timeout_ms, 5000);
	expect_number("default READY_TIMEOUT", (long)settings.ready_timeout_ms, 30000);
	expect_number("default SETTLE_TIMEOUT", (long)settings.settle_timeout_ms, 30000);
	expect_number("default LAME_DUCK", (long)settings.lame_duck_ms, 0);
	expect_number("default STOP_TIMEOUT", (long)settings.stop_timeout_ms, 10000);
	expect_number("default STOP_SIGNAL", settings.stop_signal, SIGTERM);
	expect_text("default LOG", settings.log, "stderr");
	expect_text("default PIDFILE", settings.pidfile, "");
}

static void check_signal_map(void)
{
	static const char *const bad[] = {"",
	                                  " ",
	                                  "HUP",
	                                  "HUP=",
	                                  "=replace",
	                                  "HUP=reload",
	                                  "HUP=Fork",
	                                  "NOSUCH=stop",
	                                  "KILL=stop",
	                                  "STOP=stop",
	                                  "SEGV=stop",
	                                  "11=stop",
	                                  "9=stop",
	                                  "HUP=replace x",
	                                  "HUP=replace;TERM=stop",
	                                  "hup=replace",
	                                  "64=stop",
	                                  "HUP = replace",
	                                  "ABRT=stop",
	                                  "HUP=replacee"};

	expect_good("OCTOPUS_SIGNALS", "USR2=replace");
	expect_text("USR2 only", requests(), "...........r...................");
	expect_good("OCTOPUS_SIGNALS", "HUP=replace USR2=fork TERM=stop INT=stop");
	expect_text("without USR1", requests(), "rs.........f..s................");
	expect_good("OCTOPUS_SIGNALS", " SIGQUIT=stop,\tWINCH=fork  1=replace ");
	expect_text("all spellings", requests(), "r.s........................f...");
	expect_good("OCTOPUS_SIGNALS", "HUP=fork HUP=stop");
	expect_text("the last one counts", requests(), "s..............................");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_bad("OCTOPUS_SIGNALS", bad[i], "SIGNAL=replace");
		expect_text(bad[i], requests(), DEFAULT_MAP);
	}
}

static void check_one_duration(const char *name, const int64_t *value, int64_t by_default)
{
	expect_good(name, "1500ms");
	expect_number(name, (long)*value, 1500);
	expect_good(name, "0");
	expect_number(name, (long)*value, 0);
	expect_bad(name, "soon", "duration");
	expect_number(name, (long)*value, (long)by_default);
	expect_bad(name, "", "duration");
	expect_number(name, (long)*value, (long)by_default);
}

static void check_stop_signal(void)
{
	static const char *const bad[] = {"", "GRACE", "0", "64", "19", "quit"};

	expect_good("OCTOPUS_STOP_SIGNAL", "QUIT");
	expect_number("QUIT", settings.stop_signal, SIGQUIT);
	expect_good("OCTOPUS_STOP_SIGNAL", "SIGINT");
	expect_number("SIGINT", settings.stop_signal, SIGINT);
	expect_good("OCTOPUS_STOP_SIGNAL", "KILL");
	expect_number("KILL", settings.stop_signal, SIGKILL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_bad("OCTOPUS_STOP_SIGNAL", bad[i], "name of a signal");
		expect_number(bad[i], settings.stop_signal, SIGTERM);
	}
}

static void check_switch(void)
{
	static const char *const bad[] = {"", "yes", "01", "2", "true", " 1"};

	expect_good("OCTOPUS_KILL_MASTER", "1");
	expect_number("1", settings.kill_master, 1);
	expect_good("OCTOPUS_KILL_MASTER", "0");
	expect_number("0", settings.kill_master, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_bad("OCTOPUS_KILL_MASTER", bad[i], "0 or 1");
		expect_number(bad[i], settings.kill_master, 0);
	}
}

/* A path too long for the kernel is no path. */
static void check_paths(void)
{
	char *long_path = malloc(PATH_MAX + 2);

	memset(long_path, 'x', PATH_MAX + 1);
	long_path[PATH_MAX + 1] = '\0';
	expect_good("OCTOPUS_LOG", "none");
	expect_text("none", settings.log, "none");
	expect_good("OCTOPUS_LOG", "stderr");
	expect_text("stderr", settings.log, "stderr");
	expect_good("OCTOPUS_LOG", "/var/log/server");
	expect_text("absolute log", settings.log, "/var/log/server");
	expect_good("OCTOPUS_LOG", "server.log");
	expect_text("relative log", settings.log, "/where/it/started/server.log");
	expect_bad("OCTOPUS_LOG", "", "stderr, none or a path");
	expect_text("empty log", settings.log, "stderr");
	expect_bad("OCTOPUS_LOG", long_path, "stderr, none or a path");
	expect_text("long log", settings.log, "stderr");
	expect_good("OCTOPUS_PIDFILE", "/run/server.pid");
	expect_text("absolute pid file", settings.pidfile, "/run/server.pid");
	expect_good("OCTOPUS_PIDFILE", "run/server.pid");
	expect_text("relative pid file", settings.pidfile, "/where/it/started/run/server.pid");
	expect_bad("OCTOPUS_PIDFILE", "", "a path");
	expect_text("empty pid file", settings.pidfile, "");
	expect_bad("OCTOPUS_PIDFILE", long_path, "a path");
	expect_text("long pid file", settings.pidfile, "");
	free(long_path);
}

int main(void)
{
	check_defaults();
	check_durations();
	check_signal_names();
	check_signal_map();
	check_one_duration("OCTOPUS_DRAIN_TIMEOUT", &settings.drain_timeout_ms, 5000);
	check_one_duration("OCTOPUS_READY_TIMEOUT", &settings.ready_timeout_ms, 30000);
	check_one_duration("OCTOPUS_SETTLE_TIMEOUT", &settings.settle_timeout_ms, 30000);
	expect_good("OCTOPUS_READY_TIMEOUT", "2m");
	expect_number("SETTLE_TIMEOUT follows", (long)settings.settle_timeout_ms, 120000);
	check_one_duration("OCTOPUS_LAME_DUCK", &settings.lame_duck_ms, 0);
	check_one_duration("OCTOPUS_STOP_TIMEOUT", &settings.stop_timeout_ms, 10000);
	check_stop_signal();
	check_switch();
	check_paths();
	return expect_status();
}
