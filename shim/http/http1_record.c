/* SPDX-License-Identifier: MIT */
#include "http/http1_record.h"

#include <string.h>

/* The end of the last chunk, without trailers (RFC 9112 §7.1). */
static bool ends_like_chunks(const struct exchange_record *record)
{
	return memcmp(record->tail, "0\r\n\r\n", EXCHANGE_TAIL) == 0;
}

enum http_state http1_record_read(const struct exchange_record *record, struct http1 *ret_http1)
{
	const struct exchange_side *request = &record->request, *response = &record->response;
	const struct iovec read = {(void *)request->bytes, request->kept};
	const struct iovec written = {(void *)response->bytes, response->kept};
	const bool is_answered = record->turn == EXCHANGE_RESPONSE;
	bool is_chunked;

	memset(ret_http1, 0, sizeof(*ret_http1));
	if (record->turn == EXCHANGE_NOTHING)
		return HTTP_UNKNOWN;
	http1_read(ret_http1, &read, 1, request->kept);
	http1_received(ret_http1, request->total - request->kept);
	if (!is_answered)
		return http1_state(ret_http1);
	(void)http1_wrote(ret_http1, &written, 1, NULL, response->kept);
	is_chunked = http1_is_in_chunks(ret_http1);
	http1_sent(ret_http1, response->total - response->kept);
	if (http1_is_followed(ret_http1) || !is_chunked)
		return http1_state(ret_http1);
	return ends_like_chunks(record) ? HTTP_BETWEEN : HTTP_UNDER_WAY;
}
