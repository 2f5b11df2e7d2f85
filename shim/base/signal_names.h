/* SPDX-License-Identifier: MIT */
/* Owns the names of signals: those in settings, and those in the log. */
#ifndef OCTOPUS_SIGNAL_NAMES_H
#define OCTOPUS_SIGNAL_NAMES_H

/* `HUP`, `SIGHUP` or `1`. Returns the number, or -EINVAL. Context: any. */
int signal_parse(const char *text, int length);

/* As strsignal(3) says it, lower case, for the log: "hangup". Context: any. */
const char *signal_text(int sig);

/* "HUP". "?" for one that is not in the table. Context: any. */
const char *signal_name(int sig);

#endif
