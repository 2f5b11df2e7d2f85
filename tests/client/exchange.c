/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum outcome exchange_send(struct stream *stream, const struct target *target)
{
	enum outcome outcome = OUTCOME_OK;

	if (stream->is_reused)
		outcome = stream_check_open(stream);
	if (outcome == OUTCOME_OK)
		outcome = stream_write(stream, target->request, target->request_len);
	return stream->is_reused ? outcome_on_reused(outcome) : outcome;
}

enum outcome exchange_receive(struct stream *stream, const struct target *target,
                              struct answer *ret_answer)
{
	static enum outcome (*const readers[])(struct stream *, const struct target *,
	                                       struct answer *) = {
		[TARGET_HTTP] = http_answer_read,
		[TARGET_REDIS] = redis_answer_read,
		[TARGET_MEMCACHED] = memcached_answer_read,
	};

	*ret_answer = (struct answer){.version = "?", .is_kept = true};
	enum outcome outcome = readers[target->protocol](stream, target, ret_answer);
	if (outcome == OUTCOME_OK && !target->is_kept)
		outcome = stream_read_end(stream);
	if (stream->is_reused)
		outcome = outcome_on_reused(outcome);
	stream->is_reused = true;
	return outcome;
}

void answer_set_version(struct answer *answer, const char *version)
{
	snprintf(answer->version, sizeof(answer->version), "%.*s", (int)sizeof(answer->version) - 1,
	         version);
	for (char *c = answer->version; *c; c++) {
		if (!isgraph((unsigned char)*c))
			*c = '_';
	}
	if (answer->version[0] == '\0')
		strcpy(answer->version, "?");
}
