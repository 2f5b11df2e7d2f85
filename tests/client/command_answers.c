/* SPDX-License-Identifier: MIT */
/* The answers of redis to PING and INFO, and of memcached to stats. */
#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 1024, INFO_SIZE = 8192 };

/* Reads a line that has to be EXPECTED; one that starts with an error sign is a refusal. */
static enum outcome line_expect(struct stream *stream, const char *expected)
{
	char line[LINE_SIZE];
	enum outcome outcome = stream_read_line(stream, line, sizeof(line));

	if (outcome != OUTCOME_OK)
		return outcome;
	if (line[0] == '-')
		return OUTCOME_STATUS;
	return strcmp(line, expected) == 0 ? OUTCOME_OK : OUTCOME_PROTOCOL;
}

static enum outcome bulk_read(struct stream *stream, char *ret_text, size_t size)
{
	char line[LINE_SIZE];
	enum outcome outcome = stream_read_line(stream, line, sizeof(line));

	if (outcome != OUTCOME_OK)
		return outcome;
	if (line[0] == '-')
		return OUTCOME_STATUS;
	char *end;
	long len = strtol(line + (line[0] == '$'), &end, 10);
	if (line[0] != '$' || *end || len < 0)
		return OUTCOME_PROTOCOL;
	outcome = stream_read_bytes(stream, (size_t)len, ret_text, size);
	return outcome == OUTCOME_OK ? line_expect(stream, "") : outcome;
}

enum outcome redis_answer_read(struct stream *stream, const struct target *target,
                               struct answer *ret_answer)
{
	char info[INFO_SIZE] = "";
	char version[48];
	enum outcome outcome = line_expect(stream, "+PONG");

	if (outcome == OUTCOME_OK)
		outcome = bulk_read(stream, info, sizeof(info));
	if (outcome == OUTCOME_OK && !target->is_kept)
		outcome = line_expect(stream, "+OK");
	if (outcome != OUTCOME_OK)
		return outcome;
	const char *found = strstr(info, "redis_version:");
	if (found && sscanf(found, "redis_version:%47s", version) == 1)
		answer_set_version(ret_answer, version);
	found = strstr(info, "process_id:");
	if (found)
		ret_answer->pid = strtol(found + strlen("process_id:"), NULL, 10);
	return found ? OUTCOME_OK : OUTCOME_PROTOCOL;
}

enum outcome memcached_answer_read(struct stream *stream, const struct target *target,
                                   struct answer *ret_answer)
{
	char line[LINE_SIZE];
	char version[48];

	(void)target;
	for (;;) {
		enum outcome outcome = stream_read_line(stream, line, sizeof(line));
		if (outcome != OUTCOME_OK)
			return outcome;
		if (strcmp(line, "END") == 0)
			return OUTCOME_OK;
		if (strncmp(line, "STAT ", 5) != 0)
			return strstr(line, "ERROR") ? OUTCOME_STATUS : OUTCOME_PROTOCOL;
		if (strncmp(line, "STAT pid ", 9) == 0)
			ret_answer->pid = strtol(line + 9, NULL, 10);
		if (sscanf(line, "STAT version %47s", version) == 1)
			answer_set_version(ret_answer, version);
	}
}
