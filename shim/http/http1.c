/* SPDX-License-Identifier: MIT */
/* Over 300 lines: planning and writing are two walks over the same rules, and must not diverge. */
#include "http/http1.h"

#include <string.h>

enum { LONGEST_QUEUE = 16, METHOD_BITS = 2, METHOD_MASK = 3 };

/* In one response, so that a write never has more than MOST_EDITS edits, the partly sent one
 * included. */
enum { MOST_REPLACED = MOST_EDITS - 1 };

/* What EDIT_REPLACE replaces. */
static const char keep_alive[] = "keep-alive";
enum { KEEP_ALIVE_LENGTH = sizeof(keep_alive) - 1 };

/* Requests. */

static void push_method(struct http1 *http1)
{
	const uint32_t method = http1_message_method(&http1->request);

	if (http1->unanswered == LONGEST_QUEUE) {
		http1_give_up(http1);
		return;
	}
	http1->methods |= method << (METHOD_BITS * http1->unanswered);
	http1->unanswered++;
}

static void read_byte(struct http1 *http1, uint8_t c)
{
	struct http1_message *request = &http1->request;
	unsigned events;

	/* Empty lines before a request are no part of it (RFC 9112 §2.2). */
	if (http1_message_is_between(request) && c != '\r' && c != '\n')
		http1_message_begin_request(request);
	events = http1_message_step(request, c);
	http1->has_spoken |= (events & HTTP1_HEAD_END) != 0;
	if (events & HTTP1_BAD)
		http1_give_up(http1);
	else if (events & HTTP1_HEAD_END)
		http1_message_begin_content(request, false);
	else if (events & HTTP1_METHOD_READ)
		push_method(http1);
}

void http1_read(struct http1 *http1, const struct iovec *iov, int count, size_t n)
{
	for (int i = 0; i < count && n > 0; i++) {
		const uint8_t *bytes = iov[i].iov_base;
		const size_t length = iov[i].iov_len < n ? iov[i].iov_len : n;

		for (size_t at = 0; at < length && !http1->is_given_up;) {
			const uint64_t skipped = http1_message_skip(&http1->request, length - at);

			if (skipped == 0)
				read_byte(http1, bytes[at]);
			at += skipped ? skipped : 1;
		}
		n -= length;
	}
}

void http1_received(struct http1 *http1, uint64_t n)
{
	if (!http1->is_given_up && n > 0 && http1_message_skip(&http1->request, n) < n)
		http1_give_up(http1);
}

/* Responses. */

static uint32_t method_asked(const struct http1 *http1)
{
	return http1->methods & METHOD_MASK;
}

static bool is_tunnel(const struct http1 *http1)
{
	const uint16_t status = http1->response.status;

	return status == 101 || (method_asked(http1) == HTTP1_CONNECT && status / 100 == 2);
}

static bool is_without_content(const struct http1 *http1)
{
	const uint16_t status = http1->response.status;

	return method_asked(http1) == HTTP1_HEAD || status < 200 || status == 204 || status == 304;
}

static void end_response(struct http1 *http1)
{
	if (http1->response.status < 200)
		return;
	http1->methods >>= METHOD_BITS;
	http1->unanswered--;
}

static bool must_announce_close(const struct http1 *http1)
{
	return http1->unanswered == 1 && http1_message_is_between(&http1->request) &&
	       http1->response.status >= 200 && method_asked(http1) != HTTP1_CONNECT;
}

/* The byte at OFFSET caused EVENTS; insertions go before it. */
static void edit(struct http1 *http1, unsigned events, size_t offset, struct edits *edits)
{
	const struct http1_message *response = &http1->response;
	const bool is_kept =
		response->is_http_1_0 ? response->line_has_keep_alive : response->line_has_option;
	const int count = edits->count;

	if ((events & HTTP1_KEEP_ALIVE_READ) && offset >= KEEP_ALIVE_LENGTH &&
	    http1->announced < MOST_REPLACED)
		edits_add(edits, offset - KEEP_ALIVE_LENGTH, EDIT_REPLACE, 0, KEEP_ALIVE_LENGTH);
	else if (http1->announced || response->has_close)
		return;
	else if ((events & HTTP1_OPTIONS_END) && is_kept)
		edits_add(edits, offset, EDIT_APPEND, 0, edits_text(EDIT_APPEND).iov_len);
	else if ((events & HTTP1_HEAD_END) && !response->is_http_1_0)
		edits_add(edits, offset, EDIT_INSERT, 0, edits_text(EDIT_INSERT).iov_len);
	http1->announced += edits->count > count;
}

/* A response begins only while a request waits for one. */
static unsigned step_response(struct http1 *http1, uint8_t c)
{
	unsigned events;

	if (http1_message_is_between(&http1->response)) {
		if (http1->unanswered == 0)
			return HTTP1_BAD;
		http1_message_begin_response(&http1->response);
		http1->announced = 0;
	}
	events = http1_message_step(&http1->response, c);
	return (events & HTTP1_HEAD_END) && is_tunnel(http1) ? HTTP1_BAD : events;
}

static void write_byte(struct http1 *http1, uint8_t c, size_t offset, struct edits *edits)
{
	const unsigned events = step_response(http1, c);

	if (events & HTTP1_BAD) {
		http1_give_up(http1);
		return;
	}
	if (events && edits && must_announce_close(http1))
		edit(http1, events, offset, edits);
	if (events & HTTP1_HEAD_END)
		http1_message_begin_content(&http1->response, is_without_content(http1));
}

/* The server has written the first N bytes of IOV. Adds the new edits to EDITS, unless that is
 * NULL. */
static void write_bytes(struct http1 *http1, const struct iovec *iov, int count, size_t n,
                        struct edits *edits)
{
	size_t offset = 0;

	for (int i = 0; i < count && offset < n; i++) {
		const uint8_t *bytes = iov[i].iov_base;
		const size_t length = iov[i].iov_len < n - offset ? iov[i].iov_len : n - offset;

		for (size_t at = 0; at < length && !http1->is_given_up;) {
			const bool was_under_way = http1_message_is_under_way(&http1->response);
			const uint64_t skipped = http1_message_skip(&http1->response, length - at);

			if (skipped == 0)
				write_byte(http1, bytes[at], offset + at, edits);
			if (was_under_way && !http1_message_is_under_way(&http1->response))
				end_response(http1);
			at += skipped ? skipped : 1;
		}
		offset += length;
	}
}

void http1_sent(struct http1 *http1, uint64_t n)
{
	if (http1->is_given_up || n == 0)
		return;
	if (http1_message_skip(&http1->response, n) < n)
		http1_give_up(http1);
	else if (!http1_message_is_under_way(&http1->response))
		end_response(http1);
}

/* Edits. */

/* Ignores case. LETTER may be the NUL at the end of the option, which equals no byte. */
static bool is_same_letter(uint8_t c, char letter)
{
	const uint8_t lower = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;

	return letter && lower == (uint8_t)letter;
}

/* How much of the rest of a partly replaced option the server writes again. */
static size_t option_length(const struct http1 *http1, const struct iovec *iov, int count)
{
	const char *rest = keep_alive + http1->edit_out;
	size_t length = 0;

	for (int i = 0; i < count; i++) {
		const uint8_t *bytes = iov[i].iov_base;

		for (size_t at = 0; at < iov[i].iov_len; at++, length++) {
			if (!is_same_letter(bytes[at], rest[length]))
				return length;
		}
	}
	return length;
}

static void plan_rest(const struct http1 *http1, const struct iovec *iov, int count,
                      struct edits *edits)
{
	const size_t length = http1->edit == EDIT_REPLACE
	                              ? option_length(http1, iov, count)
	                              : edits_text(http1->edit).iov_len - http1->edit_out;

	if (length > 0)
		edits_add(edits, 0, http1->edit, http1->edit_out, length);
}

void http1_plan(const struct http1 *http1, const struct iovec *iov, int count, bool may_edit,
                struct edits *ret_edits)
{
	struct http1 after = *http1;

	ret_edits->count = 0;
	if (http1->edit_out)
		plan_rest(http1, iov, count, ret_edits);
	if (may_edit)
		write_bytes(&after, iov, count, SIZE_MAX, ret_edits);
}

/* LAST is the last edit of which some bytes are out. All edits before it are out as a whole. */
static void note_rest(struct http1 *http1, const struct edit *last)
{
	const uint8_t out = (uint8_t)(last->from + last->length);
	const bool is_out = out == edits_text(last->kind).iov_len;

	http1->edit = is_out ? 0 : last->kind;
	http1->edit_out = is_out ? 0 : out;
}

size_t http1_wrote(struct http1 *http1, const struct iovec *iov, int count,
                   const struct edits *edits, size_t taken)
{
	const struct edits_out out = edits_taken(edits, taken);

	if (taken > 0)
		note_rest(http1, &out.last);
	write_bytes(http1, iov, count, taken - out.added, NULL);
	http1->announced += out.begun;
	return taken - out.added;
}

/* Questions. */

void http1_give_up(struct http1 *http1)
{
	http1->is_given_up = true;
}

bool http1_is_idle(const struct http1 *http1)
{
	return !http1->is_given_up && http1->unanswered == 0 &&
	       http1_message_is_between(&http1->request) &&
	       http1_message_is_between(&http1->response);
}

bool http1_close_is_announced(const struct http1 *http1)
{
	return http1->announced > 0 && http1_is_idle(http1);
}

bool http1_is_given_up(const struct http1 *http1)
{
	return http1->is_given_up;
}

enum http_state http1_state(const struct http1 *http1)
{
	if (http1->is_given_up)
		return http1->has_spoken ? HTTP_LOST : HTTP_UNKNOWN;
	if (http1_close_is_announced(http1))
		return HTTP_CLOSE_ANNOUNCED;
	return http1_is_idle(http1) ? HTTP_BETWEEN : HTTP_UNDER_WAY;
}
