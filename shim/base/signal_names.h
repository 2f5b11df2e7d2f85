/* SPDX-License-Identifier: MIT */
/* Owns the names of signals in the settings and in the log. */
#ifndef OCTOPUS_SIGNAL_NAMES_H
#define OCTOPUS_SIGNAL_NAMES_H

/* Reads `HUP`, `SIGHUP` or `1` from LENGTH bytes of TEXT. Returns the signal number, or -EINVAL.
 * Context: any. */
int signal_parse(const char *text, int length);

/* Returns the text of strsignal(3) for the log, in lower case: "hangup". Returns "another signal"
 * for a signal that is not in the table. Context: any. */
const char *signal_text(int sig);

/* Returns the name: "HUP". Returns "?" for a signal that is not in the table. Context: any. */
const char *signal_name(int sig);

#endif
