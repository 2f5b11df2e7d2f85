/* SPDX-License-Identifier: MIT */
/* Owns the ways in which a request can end. */
#ifndef TESTS_CLIENT_OUTCOME_H
#define TESTS_CLIENT_OUTCOME_H

#include <stdbool.h>

enum outcome {
	OUTCOME_OK,
	OUTCOME_REFUSED,     /* nobody listened */
	OUTCOME_REFUSED_END, /* the same where it was waited for, no failure */
	OUTCOME_RESET,
	OUTCOME_EOF,   /* before any byte of the answer */
	OUTCOME_SHORT, /* in the middle of the answer */
	OUTCOME_TIMEOUT,
	OUTCOME_STATUS,   /* a complete answer that says no */
	OUTCOME_PROTOCOL, /* an answer that makes no sense */
	OUTCOME_OTHER,
	OUTCOME_EOF_REUSED, /* on a connection that had answered before */
	OUTCOME_RESET_REUSED,
	OUTCOME_ENDED_IDLE, /* seen in time on a connection that rested, no failure */
	OUTCOME_COUNT
};

const char *outcome_name(enum outcome outcome);

bool outcome_is_failure(enum outcome outcome);

/* The outcome that errno value NUMBER of the call WHAT stands for. The first one that has no
 * outcome of its own is named on stderr. */
enum outcome outcome_from_errno(const char *what, int number);

/* Says on stderr, once in the life of the process, what went wrong. Returns OUTCOME_OTHER. */
enum outcome outcome_report_other(const char *what, const char *why);

/* The same failure, seen on a connection that had answered before. */
enum outcome outcome_on_reused(enum outcome outcome);

#endif
