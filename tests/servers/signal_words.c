/* SPDX-License-Identifier: MIT */
#include "signal_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	int sig;
	const char *word;
} signals[] = {
	{SIGHUP, "HUP"},   {SIGINT, "INT"},   {SIGQUIT, "QUIT"},   {SIGUSR1, "USR1"},
	{SIGUSR2, "USR2"}, {SIGPIPE, "PIPE"}, {SIGALRM, "ALRM"},   {SIGTERM, "TERM"},
	{SIGCHLD, "CHLD"}, {SIGURG, "URG"},   {SIGWINCH, "WINCH"}, {SIGKILL, "KILL"},
};

enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

void report_add(struct report_line *line, const char *text)
{
	while (*text && line->len < sizeof(line->text) - 1)
		line->text[line->len++] = *text++;
}

void report_add_number(struct report_line *line, long number)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;
	unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;

	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		digits[--at] = '-';
	report_add(line, digits + at);
}

void report_begin(struct report_line *line)
{
	line->len = 0;
	report_add_number(line, getpid());
	report_add(line, " ");
}

void report_end(struct report_line *line)
{
	line->text[line->len++] = '\n';
	if (write(STDOUT_FILENO, line->text, line->len) < 0)
		_exit(3);
}

void report_add_set(struct report_line *line, const sigset_t *set)
{
	const char *separator = "";

	for (int i = 0; i < SIGNALS; i++) {
		if (sigismember(set, signals[i].sig) != 1)
			continue;
		report_add(line, separator);
		report_add(line, signals[i].word);
		separator = ",";
	}
	if (!*separator)
		report_add(line, "-");
}

const char *signal_word(int sig)
{
	for (int i = 0; i < SIGNALS; i++) {
		if (signals[i].sig == sig)
			return signals[i].word;
	}
	return "?";
}

const char *signal_code_word(int code)
{
	switch (code) {
	case SI_USER:
		return "SI_USER";
	case SI_KERNEL:
		return "SI_KERNEL";
	case SI_TKILL:
		return "SI_TKILL";
	case SI_QUEUE:
		return "SI_QUEUE";
	case SI_TIMER:
		return "SI_TIMER";
	default:
		return "?";
	}
}

int signal_parse(const char *word)
{
	for (int i = 0; i < SIGNALS; i++) {
		if (strcmp(signals[i].word, word) == 0)
			return signals[i].sig;
	}
	fprintf(stderr, "unknown signal: %s\n", word);
	exit(2);
}

void signal_set_parse(const char *words, sigset_t *ret_set)
{
	char copy[128];
	char *rest = NULL;

	if (strcmp(words, "all") == 0) {
		sigfillset(ret_set);
		return;
	}
	sigemptyset(ret_set);
	snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
		sigaddset(ret_set, signal_parse(word));
}
