/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[OUTCOME_COUNT] = {
		"ok",         "refused",      "refused_end", "reset",    "eof",
		"short",      "timeout",      "status",      "protocol", "other",
		"eof_reused", "reset_reused", "ended_idle",
	};

	return names[outcome];
}

bool outcome_is_failure(enum outcome outcome)
{
	return outcome != OUTCOME_OK && outcome != OUTCOME_REFUSED_END &&
	       outcome != OUTCOME_ENDED_IDLE;
}

enum outcome outcome_report_other(const char *what, const char *why)
{
	static atomic_flag is_reported = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&is_reported))
		fprintf(stderr, "%s: %s\n", what, why);
	return OUTCOME_OTHER;
}

enum outcome outcome_from_errno(const char *what, int number)
{
	switch (number) {
	case ECONNREFUSED:
		return OUTCOME_REFUSED;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return OUTCOME_RESET;
	case ETIMEDOUT:
		return OUTCOME_TIMEOUT;
	default:
		return outcome_report_other(what, strerror(number));
	}
}

enum outcome outcome_on_reused(enum outcome outcome)
{
	if (outcome == OUTCOME_EOF)
		return OUTCOME_EOF_REUSED;
	if (outcome == OUTCOME_RESET)
		return OUTCOME_RESET_REUSED;
	return outcome;
}
