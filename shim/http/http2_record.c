/* SPDX-License-Identifier: MIT */
#include "http/http2_record.h"

#include <string.h>

/* The method of the preface. No other one begins so. */
#define METHOD "PRI "
#define METHOD_LENGTH (sizeof(METHOD) - 1)

static bool begins(struct iovec part)
{
	return part.iov_len >= METHOD_LENGTH && memcmp(part.iov_base, METHOD, METHOD_LENGTH) == 0;
}

static bool is_whole(const struct exchange_side *side)
{
	return side->total == side->kept;
}

/* What is kept begins with it, and is all that went by. */
static bool keeps_preface(const struct exchange_record *record)
{
	return record->turn != EXCHANGE_NOTHING &&
	       begins((struct iovec){(char *)record->request.bytes, record->request.kept}) &&
	       record->request.kept <= EXCHANGE_KEPT && is_whole(&record->request) &&
	       (record->turn == EXCHANGE_REQUEST || is_whole(&record->response));
}

/* Of the N bytes that the kernel has touched. */
static struct iovec first_part(const struct iovec *iov, int count, size_t n)
{
	struct iovec part = count > 0 ? caller_memory_part(iov) : (struct iovec){(char *)"", 0};

	part.iov_len = part.iov_len < n ? part.iov_len : n;
	return part;
}

/* From the first byte on. */
static void begin(struct exchange_record *record)
{
	const struct exchange_side request = record->request, response = record->response;
	const enum exchange_turn turn = (enum exchange_turn)record->turn;

	memset(&record->http2, 0, sizeof(record->http2));
	record->form = EXCHANGE_FRAMES;
	if (turn != EXCHANGE_NOTHING)
		http2_read(&record->http2, request.bytes, request.kept);
	if (turn == EXCHANGE_RESPONSE)
		http2_wrote(&record->http2, response.bytes, response.kept);
}

bool http2_record_is(struct exchange_record *record)
{
	if (record->form == EXCHANGE_BYTES && keeps_preface(record))
		begin(record);
	return record->form == EXCHANGE_FRAMES;
}

static bool is_fresh(const struct exchange_record *record)
{
	return record->form == EXCHANGE_BYTES && record->turn == EXCHANGE_NOTHING;
}

bool http2_record_is_by_read(struct exchange_record *record, const struct iovec *iov, int count,
                             size_t n)
{
	if (is_fresh(record) && begins(first_part(iov, count, n)))
		begin(record);
	return http2_record_is(record);
}

bool http2_record_is_by_write(struct exchange_record *record, const struct iovec *iov, int count,
                              size_t n)
{
	if (is_fresh(record) && http2_may_begin(first_part(iov, count, n)))
		begin(record);
	return http2_record_is(record);
}

static void each(struct http2 *http2, const struct iovec *iov, int count, size_t n,
                 void (*take)(struct http2 *, const void *, size_t))
{
	for (; n > 0 && count > 0; iov++, count--) {
		const struct iovec part = caller_memory_part(iov);
		const size_t length = part.iov_len < n ? part.iov_len : n;

		take(http2, part.iov_base, length);
		n -= length;
	}
	/* Else another thread has changed the list. */
	if (n > 0)
		http2_give_up(http2);
}

void http2_record_received(struct exchange_record *record, const struct iovec *iov, int count,
                           size_t n)
{
	each(&record->http2, iov, count, n, http2_read);
}

void http2_record_sent(struct exchange_record *record, const struct iovec *iov, int count, size_t n)
{
	each(&record->http2, iov, count, n, http2_wrote);
}

enum http_state http2_record_state(const struct exchange_record *record)
{
	if (record->http2.preface == 0)
		return HTTP_UNKNOWN;
	if (record->http2.is_given_up)
		return record->http2.has_preface ? HTTP_LOST : HTTP_UNKNOWN;
	return http2_is_idle(&record->http2) ? HTTP_NO_STREAM : HTTP_UNDER_WAY;
}
