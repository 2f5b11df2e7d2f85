/* SPDX-License-Identifier: MIT */
/* Owns the counts of a run. Every function may be called by every thread. */
#ifndef TESTS_CLIENT_TALLY_H
#define TESTS_CLIENT_TALLY_H

#include "exchange.h"
#include "outcome.h"

/* Counts one request. An answer of a server that was not heard of before is announced at once as
 * `first VERSION PID`. ANSWER is looked at only with OUTCOME_OK. */
void tally_add(enum outcome outcome, const struct answer *answer, double latency_ms);

long tally_count(enum outcome outcome);

/* All that were no success, except those that were waited for. */
long tally_failures(void);

/* Requests that ended in any way. */
long tally_requests(void);

/* Prints one line per outcome. */
void tally_print_counts(void);

/* Prints the line of latencies. */
void tally_print_latencies(void);

/* Prints who answered how often. */
void tally_print_answered(void);

#endif
