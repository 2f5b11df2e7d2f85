/* SPDX-License-Identifier: MIT */
/* Owns a second opinion on HTTP/1.x: a reader that has all bytes at hand, takes whole lines and calls
 * the C library, and shares nothing with shim/http/http1_message.c but the RFC. It says what is to go out when all
 * requests were read before and all responses are written at once. */
#ifndef TESTS_FUZZ_HTTP1_REFERENCE_H
#define TESTS_FUZZ_HTTP1_REFERENCE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REFERENCE_LONGEST = 4096, REFERENCE_QUEUE = 16, REFERENCE_REPLACED = 3 };

/* CUT: the stream ends within a message, so that this reader does not know. */
enum reference_state { FINE, CUT, WRONG };

struct reference {
	const char *bytes;
	size_t length, at;
	enum reference_state state;
	char line[REFERENCE_LONGEST + 1];
	size_t line_at; /* in BYTES */

	/* Of the message: */
	char method[16];
	int minor, status;
	bool is_edited, has_close, has_length, has_coding, is_chunked;
	unsigned long long content;
	int announced;

	char out[2 * REFERENCE_LONGEST];
	size_t out_length, copied;
};

static const char token_chars[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz";

static bool stop(struct reference *r, enum reference_state state)
{
	r->state = state;
	return false;
}

/* All up to AT goes out as it is, then TEXT; REPLACED bytes are left out. */
static void put_edit(struct reference *r, size_t at, const char *text, size_t replaced)
{
	memcpy(r->out + r->out_length, r->bytes + r->copied, at - r->copied);
	r->out_length += at - r->copied;
	memcpy(r->out + r->out_length, text, strlen(text));
	r->out_length += strlen(text);
	r->copied = at + replaced;
}

static bool take_line(struct reference *r)
{
	const char *begin = r->bytes + r->at;
	const char *end = memchr(begin, '\n', r->length - r->at);
	size_t length;

	if (!end)
		return stop(r, CUT);
	length = (size_t)(end - begin);
	r->line_at = r->at;
	r->at += length + 1;
	if (length > 0 && end[-1] == '\r')
		length--;
	memcpy(r->line, begin, length);
	r->line[length] = '\0';
	for (size_t i = 0; i < length; i++) {
		const unsigned char c = (unsigned char)r->line[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return stop(r, WRONG);
	}
	return true;
}

static void tell(struct reference *r, size_t at, const char *text, size_t replaced)
{
	put_edit(r, at, text, replaced);
	r->announced++;
}

static bool read_option(struct reference *r, const char *option, size_t length)
{
	const size_t at = r->line_at + (size_t)(option - r->line);

	r->has_close |= length == 5 && strncasecmp(option, "close", 5) == 0;
	if (length == 10 && strncasecmp(option, "keep-alive", 10) == 0 && r->is_edited &&
	    r->announced < REFERENCE_REPLACED)
		tell(r, at, "close     ", 10);
	return true;
}

static bool read_coding(struct reference *r, const char *coding, size_t length)
{
	if (r->is_chunked)
		return stop(r, WRONG);
	r->is_chunked = length == 7 && strncasecmp(coding, "chunked", 7) == 0;
	return true;
}

/* Returns the number of elements, or -1. */
static int read_list(struct reference *r, const char *value,
                     bool (*element)(struct reference *, const char *, size_t))
{
	int count = 0;

	for (const char *at = value; *at;) {
		const size_t length = strspn(at, token_chars);
		const char *end = at + length + strspn(at + length, " \t");

		if (length > 0 && *end && *end != ',')
			return -1;
		if (length == 0 && *end != ',' && *end)
			return end == at ? -1 : (at = end, read_list(r, at, element));
		if (length > 0 && !element(r, at, length))
			return -1;
		count += length > 0;
		at = *end ? end + 1 : end;
		at += strspn(at, " \t");
	}
	return count;
}

static bool read_length(struct reference *r, const char *value)
{
	size_t digits;

	value += strspn(value, " \t");
	digits = strspn(value, "0123456789");
	if (r->has_length || digits == 0 || value[digits + strspn(value + digits, " \t")])
		return stop(r, WRONG);
	errno = 0;
	r->content = strtoull(value, NULL, 10);
	r->has_length = true;
	return errno ? stop(r, WRONG) : true;
}

static bool read_options(struct reference *r, const char *value)
{
	const int count = read_list(r, value, read_option);

	if (count < 0)
		return stop(r, WRONG);
	if (count > 0 && r->is_edited && !r->announced && !r->has_close && r->minor == 1)
		tell(r, r->line_at + strlen(r->line), ", close", 0);
	return true;
}

/* A line that is not empty. In the trailer only its form matters. */
static bool read_field(struct reference *r, bool is_trailer)
{
	const size_t length = strspn(r->line, token_chars);
	char *value = r->line + length + 1;

	if (length == 0 || r->line[length] != ':')
		return stop(r, WRONG);
	if (is_trailer)
		return true;
	if (length == 14 && strncasecmp(r->line, "content-length", 14) == 0)
		return read_length(r, value);
	if (length == 10 && strncasecmp(r->line, "connection", 10) == 0)
		return read_options(r, value);
	if (length == 17 && strncasecmp(r->line, "transfer-encoding", 17) == 0) {
		r->has_coding = true;
		return read_list(r, value, read_coding) >= 0 || stop(r, WRONG);
	}
	return true;
}

static bool read_fields(struct reference *r, bool is_trailer)
{
	while (take_line(r)) {
		if (!r->line[0])
			return true;
		if (!read_field(r, is_trailer))
			return false;
	}
	return false;
}

static bool skip(struct reference *r, unsigned long long n)
{
	if (n > r->length - r->at)
		return stop(r, CUT);
	r->at += n;
	return true;
}

static bool read_chunks(struct reference *r)
{
	for (;;) {
		unsigned long long size;
		size_t digits;

		if (!take_line(r))
			return false;
		digits = strspn(r->line, "0123456789abcdefABCDEF");
		if (digits == 0 || (r->line[digits] && !strchr("; \t", r->line[digits])))
			return stop(r, WRONG);
		errno = 0;
		size = strtoull(r->line, NULL, 16);
		if (errno)
			return stop(r, WRONG);
		if (size == 0)
			return read_fields(r, true);
		if (!skip(r, size))
			return false;
		if (r->at == r->length)
			return stop(r, CUT);
		if (r->bytes[r->at] != '\r' && r->bytes[r->at] != '\n')
			return stop(r, WRONG);
		if (!take_line(r))
			return false;
		if (r->line[0])
			return stop(r, WRONG);
	}
}

static void begin(struct reference *r)
{
	r->is_edited = r->has_close = r->has_length = r->has_coding = r->is_chunked = false;
	r->content = 0;
	r->announced = 0;
	r->status = 0;
}

static bool is_framed(struct reference *r)
{
	const bool is_doubtful =
		r->has_coding && (!r->is_chunked || r->has_length || r->minor == 0);

	return is_doubtful ? stop(r, WRONG) : true;
}

static bool read_request(struct reference *r)
{
	size_t length, target;
	const char *version;

	begin(r);
	if (!take_line(r))
		return false;
	length = strspn(r->line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
	if (length < 3 || r->line[length] != ' ' || strchr(r->line, '\t'))
		return stop(r, WRONG);
	snprintf(r->method, sizeof(r->method), "%.*s", (int)length, r->line);
	target = strcspn(r->line + length + 1, " ");
	version = r->line + length + 1 + target;
	if (target == 0 || (strcmp(version, " HTTP/1.0") != 0 && strcmp(version, " HTTP/1.1") != 0))
		return stop(r, WRONG);
	r->minor = version[8] - '0';
	if (!read_fields(r, false) || !is_framed(r))
		return false;
	return r->is_chunked ? read_chunks(r) : skip(r, r->content);
}

/* MAY_EDIT: this is the answer to the last request. */
static bool read_response(struct reference *r, const char *method, bool may_edit)
{
	const bool is_connect = strcmp(method, "CONNECT") == 0;
	size_t digits;

	begin(r);
	if (!take_line(r))
		return false;
	if (strncmp(r->line, "HTTP/1.0 ", 9) != 0 && strncmp(r->line, "HTTP/1.1 ", 9) != 0)
		return stop(r, WRONG);
	r->minor = r->line[7] - '0';
	digits = strspn(r->line + 9, "0123456789");
	r->status = atoi(r->line + 9);
	if (digits != 3 || r->status < 100 || r->status > 599 ||
	    (r->line[12] && r->line[12] != ' '))
		return stop(r, WRONG);
	r->is_edited = may_edit && r->status >= 200 && !is_connect;
	if (!read_fields(r, false) || !is_framed(r))
		return false;
	if (r->status == 101 || (is_connect && r->status < 300 && r->status >= 200))
		return stop(r, WRONG);
	if (r->is_edited && !r->announced && !r->has_close && r->minor == 1)
		tell(r, r->line_at, "Connection: close\r\n", 0);
	if (r->status < 200 || r->status == 204 || r->status == 304 || strcmp(method, "HEAD") == 0)
		return true;
	if (r->is_chunked)
		return read_chunks(r);
	return r->has_length ? skip(r, r->content) : stop(r, CUT);
}

/* Reads all REQUESTS, then all RESPONSES, which may be edited or not. Says how it ended, and in `out`
 * what went out. Where a stream is CUT it may have said too little. */
static void refer(struct reference *r, const char *requests, size_t requests_length,
                  const char *responses, size_t responses_length, bool may_edit)
{
	static char methods[REFERENCE_QUEUE][16];
	int count = 0, answered = 0;

	*r = (struct reference){.bytes = requests, .length = requests_length};
	while (r->state == FINE && r->at < r->length) {
		if (r->bytes[r->at] == '\n' || (r->bytes[r->at] == '\r' && r->at + 1 < r->length &&
		                                r->bytes[r->at + 1] == '\n')) {
			r->at += r->bytes[r->at] == '\n' ? 1 : 2;
		} else if (r->bytes[r->at] == '\r') {
			stop(r, r->at + 1 < r->length ? WRONG : CUT);
		} else if (count == REFERENCE_QUEUE) {
			stop(r, CUT);
		} else if (read_request(r)) {
			memcpy(methods[count++], r->method, sizeof(r->method));
		}
	}
	if (r->state != FINE)
		return;
	*r = (struct reference){.bytes = responses, .length = responses_length};
	while (r->state == FINE && r->at < r->length) {
		if (answered == count)
			stop(r, WRONG);
		else if (read_response(r, methods[answered], may_edit && answered + 1 == count))
			answered += r->status >= 200;
	}
	if (r->state == FINE)
		put_edit(r, r->length, "", 0);
}

#endif
