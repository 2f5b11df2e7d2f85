/* SPDX-License-Identifier: MIT */
/* Over 300 lines: the forms of a record, and the way from one to the next. */
#include "http/http1_record.h"

#include <string.h>

#include "http/http1_length.h"
#include "http/http1_lines.h"

_Static_assert(sizeof(struct http1) <= EXCHANGE_KEPT, "the state takes the place of the bytes");

static struct http1 state_of(const struct exchange_record *record)
{
	struct http1 state;

	memcpy(&state, record->response.bytes, sizeof(state));
	return state;
}

static void begin_side(struct exchange_side *side)
{
	side->total = side->due = 0;
	exchange_side_keep(side, 0);
}

static void wipe(struct exchange_record *record, enum exchange_form form)
{
	if (record->form == EXCHANGE_FRAMES)
		memset(&record->http2, 0, sizeof(record->http2));
	begin_side(&record->request);
	begin_side(&record->response);
	record->form = (uint8_t)form;
	record->is_alike = false;
	record->line = 0;
}

void http1_record_begin(struct exchange_record *record)
{
	wipe(record, EXCHANGE_BYTES);
	record->turn = EXCHANGE_NOTHING;
}

static bool has_spoken_http(const struct exchange_record *record)
{
	struct http1 state;

	/* The response may be of the exchange before. */
	if (record->form == EXCHANGE_BYTES)
		return record->request.due != 0 || record->response.due != 0 ||
		       http1_length_of_request(record->request.bytes, record->request.kept) != 0;
	if (record->form != EXCHANGE_STATE)
		return record->form == EXCHANGE_LOST_HTTP ||
		       (record->form == EXCHANGE_FRAMES && record->http2.has_preface);
	state = state_of(record);
	return state.has_spoken;
}

void http1_record_lose(struct exchange_record *record)
{
	wipe(record, has_spoken_http(record) ? EXCHANGE_LOST_HTTP : EXCHANGE_LOST);
}

static bool is_lost(const struct exchange_record *record)
{
	return record->form >= EXCHANGE_LOST;
}

/* From now on the state is known, and no bytes are kept. */
static void keep_state(struct exchange_record *record, const struct http1 *state)
{
	if (http1_is_given_up(state)) {
		wipe(record, state->has_spoken ? EXCHANGE_LOST_HTTP : EXCHANGE_LOST);
		return;
	}
	wipe(record, EXCHANGE_STATE);
	memcpy(record->response.bytes, state, sizeof(*state));
	record->response.kept = sizeof(*state);
}

/* What the kept bytes say, and those that were counted. */
static void read_bytes(const struct exchange_record *record, struct http1 *ret_http1)
{
	const struct exchange_side *request = &record->request, *response = &record->response;
	const struct iovec read = {(void *)request->bytes, request->kept};
	const struct iovec written = {(void *)response->bytes, response->kept};

	memset(ret_http1, 0, sizeof(*ret_http1));
	http1_read(ret_http1, &read, 1, request->kept);
	http1_received(ret_http1, request->total - request->kept);
	if (record->turn != EXCHANGE_RESPONSE)
		return;
	(void)http1_wrote(ret_http1, &written, 1, NULL, response->kept);
	http1_sent(ret_http1, response->total - response->kept);
}

/* Sets what is due, where an ordinary head says it. */
static void measure_request(struct exchange_side *request)
{
	if (request->due == 0)
		request->due = http1_length_of_request(request->bytes, request->kept);
}

static bool is_read(struct exchange_side *request)
{
	measure_request(request);
	return request->due != 0 && request->due == request->total;
}

static void measure_response(struct exchange_record *record)
{
	struct exchange_side *response = &record->response;
	const bool is_to_head = memcmp(record->request.bytes, "HEAD ", 5) == 0;

	if (response->due == 0 && is_read(&record->request))
		response->due =
			http1_length_of_response(response->bytes, response->kept, is_to_head);
}

bool http1_record_is_complete(struct exchange_record *record)
{
	if (record->turn != EXCHANGE_RESPONSE)
		return record->turn == EXCHANGE_NOTHING;
	measure_response(record);
	return record->response.due != 0 && record->response.due == record->response.total;
}

/* Keeps as many of N bytes as there is room for. Returns whether that is all of them. */
static bool fill(struct exchange_side *side, const struct iovec *iov, int count, size_t n)
{
	size_t at = side->kept, left = n;

	for (int i = 0; i < count && left > 0 && at < EXCHANGE_KEPT; i++) {
		const struct iovec part = caller_memory_part(&iov[i]);
		const size_t room = EXCHANGE_KEPT - at;
		const size_t there = part.iov_len < left ? part.iov_len : left;
		const size_t length = there < room ? there : room;

		memcpy(side->bytes + at, part.iov_base, length);
		at += length;
		left -= length;
	}
	side->kept = (uint16_t)at;
	if (left > 0)
		return false;
	side->total += n;
	return true;
}

/* Counts N more bytes, where all of them are due. */
static bool count_more(struct exchange_side *side, uint64_t n)
{
	if (side->due < side->total || n > side->due - side->total)
		return false;
	side->total += n;
	return true;
}

/* Keeps N more bytes of SIDE, or counts them where the head has told how many there are. Returns false
 * if they must be read one by one. */
static bool take(struct exchange_record *record, struct exchange_side *side,
                 const struct iovec *iov, int count, size_t n)
{
	const uint16_t before = side->kept;

	if (side->due == 0) {
		if (fill(side, iov, count, n))
			return true;
		if (side == &record->request)
			measure_request(side);
		else
			measure_response(record);
	}
	if (count_more(side, n))
		return true;
	exchange_side_keep(side, before);
	return false;
}

/* The list is the server's; each part is read once (caller_memory.h), so many at a time. */
enum { PARTS = 16 };

static void read_parts(struct http1 *state, enum exchange_turn turn, const struct iovec *iov,
                       int count, size_t n)
{
	struct iovec parts[PARTS];

	while (count > 0 && n > 0) {
		const int some = count < PARTS ? count : PARTS;
		size_t length = 0;

		for (int i = 0; i < some; i++) {
			parts[i] = caller_memory_part(&iov[i]);
			length += parts[i].iov_len < n - length ? parts[i].iov_len : n - length;
		}
		if (turn == EXCHANGE_REQUEST)
			http1_read(state, parts, some, length);
		else
			(void)http1_wrote(state, parts, some, NULL, length);
		iov += some;
		count -= some;
		n -= length;
	}
}

/* The next bytes that are read begin an exchange. */
static bool is_at_boundary(struct exchange_record *record)
{
	struct http1 state;

	if (record->form == EXCHANGE_BYTES)
		return exchange_is_complete(record);
	state = state_of(record);
	return http1_is_idle(&state);
}

/* Returns where the second line of the request begins, if it is like the one before, or 0. */
static inline size_t read_alike(struct exchange_record *record, const void *bytes, size_t n)
{
	const struct exchange_side *request = &record->request;

	if (request->due == 0)
		return 0;
	if (record->line == 0)
		record->line = (uint16_t)http1_lines_second(request->bytes, request->kept);
	return http1_lines_if_alike(bytes, n, request->bytes, request->kept, record->line);
}

void http1_record_other_request(struct exchange_record *record, const void *bytes, size_t n)
{
	struct exchange_side *request = &record->request;
	const size_t line = read_alike(record, bytes, n);
	const size_t other = line && request->kept == n ? line : n;

	record->line = (uint16_t)line;
	record->is_alike = line != 0;
	request->due = line ? request->due + n - request->kept : 0;
	exchange_side_keep(request, n);
	memcpy(request->bytes, bytes, other);
}

/* Returns false if the request must be kept in pieces. */
static bool begin_whole_request(struct exchange_record *record, const struct iovec *iov, int count,
                                size_t n)
{
	struct iovec part;

	if (record->form != EXCHANGE_BYTES || n > EXCHANGE_KEPT || count <= 0)
		return false;
	part = caller_memory_part(iov);
	if (part.iov_len < n)
		return false;
	exchange_begin_request(record, part.iov_base, n);
	return true;
}

static void begin_request(struct exchange_record *record)
{
	if (record->form == EXCHANGE_STATE)
		wipe(record, EXCHANGE_BYTES);
	begin_side(&record->request);
	record->is_alike = false;
	record->line = 0;
	record->turn = EXCHANGE_REQUEST;
}

/* Where the connection stands, if the record is not lost. */
static void read_on(const struct exchange_record *record, struct http1 *ret_state)
{
	if (record->form == EXCHANGE_STATE)
		*ret_state = state_of(record);
	else
		read_bytes(record, ret_state);
}

static void end_turn(struct exchange_record *record, enum exchange_turn turn,
                     const struct http1 *state)
{
	keep_state(record, state);
	record->turn = (uint8_t)turn;
}

void http1_record_received(struct exchange_record *record, const struct iovec *iov, int count,
                           size_t n)
{
	struct http1 state;

	if (is_lost(record))
		return;
	if (is_at_boundary(record)) {
		if (begin_whole_request(record, iov, count, n))
			return;
		begin_request(record);
	}
	if (record->form == EXCHANGE_BYTES && record->turn == EXCHANGE_REQUEST &&
	    take(record, &record->request, iov, count, n))
		return;
	read_on(record, &state);
	read_parts(&state, EXCHANGE_REQUEST, iov, count, n);
	end_turn(record, EXCHANGE_REQUEST, &state);
}

void http1_record_received_unseen(struct exchange_record *record, uint64_t n)
{
	struct http1 state;

	if (is_lost(record))
		return;
	read_on(record, &state);
	http1_received(&state, n);
	end_turn(record, EXCHANGE_REQUEST, &state);
}

/* Returns how many of the N bytes it has copied. */
static size_t copy_parts(char *to, const struct iovec *iov, int count, size_t n)
{
	const char *begin = to;

	for (; n > 0 && count > 0; iov++, count--) {
		const struct iovec part = caller_memory_part(iov);
		const size_t length = part.iov_len < n ? part.iov_len : n;

		to = (char *)memcpy(to, part.iov_base, length) + length;
		n -= length;
	}
	return (size_t)(to - begin);
}

void http1_record_begin_response(struct exchange_record *record, const struct iovec *iov, int count,
                                 size_t n)
{
	struct exchange_side *response = &record->response;

	record->turn = EXCHANGE_RESPONSE;
	response->total = n;
	response->due = 0;
	exchange_side_keep(response, n);
	/* Else another thread has changed the list. */
	if (copy_parts(response->bytes, iov, count, n) != n)
		http1_record_lose(record);
}

static void begin_response(struct exchange_record *record)
{
	if (record->form == EXCHANGE_BYTES && record->turn != EXCHANGE_RESPONSE)
		begin_side(&record->response);
	record->turn = EXCHANGE_RESPONSE;
}

void http1_record_sent(struct exchange_record *record, const struct iovec *iov, int count, size_t n)
{
	struct http1 state;

	if (is_lost(record))
		return;
	if (record->form == EXCHANGE_BYTES && record->turn != EXCHANGE_RESPONSE &&
	    n <= EXCHANGE_KEPT) {
		if (exchange_is_same_response(record, iov, count, n))
			exchange_repeat_response(record);
		else
			http1_record_begin_response(record, iov, count, n);
		return;
	}
	begin_response(record);
	if (record->form == EXCHANGE_BYTES && take(record, &record->response, iov, count, n))
		return;
	read_on(record, &state);
	read_parts(&state, EXCHANGE_RESPONSE, iov, count, n);
	end_turn(record, EXCHANGE_RESPONSE, &state);
}

void http1_record_sent_unseen(struct exchange_record *record, uint64_t n)
{
	struct http1 state;

	if (is_lost(record))
		return;
	begin_response(record);
	if (record->form == EXCHANGE_BYTES) {
		measure_response(record);
		if (count_more(&record->response, n))
			return;
	}
	read_on(record, &state);
	http1_sent(&state, n);
	end_turn(record, EXCHANGE_RESPONSE, &state);
}

enum http_state http1_record_read(const struct exchange_record *record, struct http1 *ret_http1)
{
	memset(ret_http1, 0, sizeof(*ret_http1));
	if (is_lost(record)) {
		http1_give_up(ret_http1);
		return record->form == EXCHANGE_LOST_HTTP ? HTTP_LOST : HTTP_UNKNOWN;
	}
	if (record->turn == EXCHANGE_NOTHING)
		return HTTP_UNKNOWN;
	read_on(record, ret_http1);
	return http1_state(ret_http1);
}
