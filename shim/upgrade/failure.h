/* SPDX-License-Identifier: MIT */
/* Owns the words for an upgrade that failed: one log line that says why. */
#ifndef OCTOPUS_FAILURE_H
#define OCTOPUS_FAILURE_H

#include <stdbool.h>

#include "generation/page.h"

/* The successor could not even be executed: says what spawn_report knows. Context: the controller. */
void failure_explain_start(void);

/* The successor, whose page is PAGE, has ended, or is to end because its time is over. Context: the controller. */
void failure_explain_end(const struct generation_page *page, bool has_timed_out);

#endif
