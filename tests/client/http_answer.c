/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_SIZE = 4096, BODY_START_SIZE = 128 };

struct http_head {
	int minor;
	int status;
	bool is_chunked;
	bool has_version;
	long content_length; /* -1 when not given */
	char server[64];
};

/* Returns what follows "NAME:" and blanks, or NULL when LINE is another header. */
static const char *header_value(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	return line + len + 1 + strspn(line + len + 1, " \t");
}

static void header_parse(const char *line, struct http_head *head, struct answer *answer)
{
	const char *value;

	if ((value = header_value(line, "Content-Length")) != NULL)
		head->content_length = strtol(value, NULL, 10);
	else if ((value = header_value(line, "Transfer-Encoding")) != NULL)
		head->is_chunked = strcasestr(value, "chunked") != NULL;
	else if ((value = header_value(line, "Connection")) != NULL)
		answer->is_kept = head->minor == 1 ? !strcasestr(value, "close")
		                                   : strcasestr(value, "keep-alive") != NULL;
	else if ((value = header_value(line, "Server")) != NULL)
		snprintf(head->server, sizeof(head->server), "%.63s", value);
	else if ((value = header_value(line, "X-Pid")) != NULL)
		answer->pid = strtol(value, NULL, 10);
	else if ((value = header_value(line, "X-Version")) != NULL) {
		answer_set_version(answer, value);
		head->has_version = true;
	}
}

static enum outcome head_read(struct stream *stream, struct http_head *ret_head,
                              struct answer *answer)
{
	char line[LINE_SIZE];
	enum outcome outcome = stream_read_line(stream, line, sizeof(line));

	*ret_head = (struct http_head){.content_length = -1};
	if (outcome != OUTCOME_OK)
		return outcome;
	if (sscanf(line, "HTTP/1.%1d %3d", &ret_head->minor, &ret_head->status) != 2)
		return OUTCOME_PROTOCOL;
	answer->is_kept = ret_head->minor == 1;
	for (;;) {
		outcome = stream_read_line(stream, line, sizeof(line));
		if (outcome != OUTCOME_OK || line[0] == '\0')
			return outcome;
		if (!strchr(line, ':'))
			return OUTCOME_PROTOCOL;
		header_parse(line, ret_head, answer);
	}
}

/* Reads chunks up to and including the last one and the trailers. */
static enum outcome chunks_read(struct stream *stream, long *ret_len, char *ret_start, size_t size)
{
	char line[LINE_SIZE];

	for (;;) {
		enum outcome outcome = stream_read_line(stream, line, sizeof(line));
		if (outcome != OUTCOME_OK)
			return outcome;
		char *end;
		long len = strtol(line, &end, 16);
		if (end == line || len < 0 || (*end && *end != ';' && *end != ' '))
			return OUTCOME_PROTOCOL;
		if (len == 0)
			break;
		outcome = stream_read_bytes(stream, (size_t)len, ret_start, *ret_len ? 0 : size);
		if (outcome == OUTCOME_OK)
			outcome = stream_read_line(stream, line, sizeof(line));
		if (outcome != OUTCOME_OK)
			return outcome;
		if (line[0])
			return OUTCOME_PROTOCOL;
		*ret_len += len;
	}
	do {
		enum outcome outcome = stream_read_line(stream, line, sizeof(line));
		if (outcome != OUTCOME_OK)
			return outcome;
	} while (line[0]);
	return OUTCOME_OK;
}

static void answer_name_server(struct answer *answer, const struct http_head *head,
                               const char *body)
{
	char version[48];
	long pid;

	if (head->has_version)
		return;
	if (sscanf(body, "pong %47s %ld", version, &pid) == 2) {
		answer_set_version(answer, version);
		answer->pid = pid;
	} else {
		answer_set_version(answer, head->server);
	}
}

enum outcome http_answer_read(struct stream *stream, const struct target *target,
                              struct answer *ret_answer)
{
	struct http_head head;
	char body[BODY_START_SIZE] = "";
	long len = 0;
	enum outcome outcome = head_read(stream, &head, ret_answer);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (head.is_chunked) {
		outcome = chunks_read(stream, &len, body, sizeof(body));
	} else if (head.content_length >= 0) {
		len = head.content_length;
		outcome = stream_read_bytes(stream, (size_t)len, body, sizeof(body));
	} else {
		/* Only the end of the connection would end it: nobody could tell it from a cut. */
		return OUTCOME_PROTOCOL;
	}
	if (outcome != OUTCOME_OK)
		return outcome;
	answer_name_server(ret_answer, &head, body);
	if (head.status != 200)
		return OUTCOME_STATUS;
	if (target->body_len >= 0 && len != target->body_len)
		return len < target->body_len ? OUTCOME_SHORT : OUTCOME_PROTOCOL;
	return OUTCOME_OK;
}
