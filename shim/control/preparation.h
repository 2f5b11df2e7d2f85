/* SPDX-License-Identifier: MIT */
/* Owns what comes once before a process leads: the settings, the fork hooks, the log. */
#ifndef OCTOPUS_PREPARATION_H
#define OCTOPUS_PREPARATION_H

#include <stdbool.h>

/* Does what a first generation and a successor both need. Opens and creates nothing: whoever has inherited
 * the variable comes here, a helper of the new version's, too. Context: normal, or init. */
void preparation_make_quietly(void);

/* Does that, and what comes before the first log line, and logs what waits for it. Context: normal. */
void preparation_make(void);

/* The same in the controller's thread, of which libc does not know: UTC_OFFSET is what log_start() would have
 * read. fork_watch_by_hand() has run. Context: the controller. */
void preparation_make_in_thread(long utc_offset);

/* True after one of the last two. Context: any. */
bool preparation_is_made(void);

/* Logs the claims that no line tells of yet (candidate.h). Context: any. */
void preparation_report_claims(void);

#endif
