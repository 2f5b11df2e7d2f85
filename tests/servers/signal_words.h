/* SPDX-License-Identifier: MIT */
/* Owns how signals, sets of them and dispositions are written on a command line and in a report. */
#ifndef TESTS_SERVERS_SIGNAL_WORDS_H
#define TESTS_SERVERS_SIGNAL_WORDS_H

#include <signal.h>
#include <stddef.h>

/* A line of a report that is put together without stdio: a handler may do it. */
struct report_line {
	char text[512];
	size_t len;
};

/* Appends, and drops what has no room. */
void report_add(struct report_line *line, const char *text);
void report_add_number(struct report_line *line, long number);

/* Begins a line with the process id, and writes it out in one piece. */
void report_begin(struct report_line *line);
void report_end(struct report_line *line);

/* The signals that these programs know, without SIG and joined by commas; "-" for none. */
void report_add_set(struct report_line *line, const sigset_t *set);

/* The name of SIG without SIG, "?" when unknown. */
const char *signal_word(int sig);

/* SI_USER and the like. */
const char *signal_code_word(int code);

/* "TERM" is SIGTERM. An unknown word ends the process with 2. */
int signal_parse(const char *word);

/* "TERM,HUP", or "all". */
void signal_set_parse(const char *words, sigset_t *ret_set);

#endif
