/* SPDX-License-Identifier: MIT */
/* The hand-over, seen from the predecessor: what a successor inherits, and what became of it. */
#ifndef OCTOPUS_HANDOVER_H
#define OCTOPUS_HANDOVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "generation/generation.h"

/* Remembers that FD was bound to a port of the kernel's choice: its successor, which asks for any
 * port again, is to get the same one. Context: any. */
void handover_note_any_port(int fd, bool asked);

/* Starts a successor with this process's listeners. The page of the new generation is in
 * *ret_page, and stays the caller's until handover_finish(). Returns 0, or -errno after a log line
 * that says what is wrong. Context: the controller. */
int handover_begin(struct generation_page **ret_page);

/* One line that says why the successor is no more, or is to be no more because its time is over.
 * Context: the controller. */
void handover_explain_failure(const struct generation_page *page, bool has_timed_out);

/* Lets a successor go that is ready, or ends one that is not, with all its processes.
 * Context: the controller. */
void handover_finish(struct generation_page *page, bool is_good);

#endif
