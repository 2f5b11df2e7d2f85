/* SPDX-License-Identifier: MIT */
/* HTTP/2: which streams are owed, where the frames begin, and the GOAWAY between two of them. Conversations by lot
 * are cut into pieces by lot, and compared with what was put into them.
 * Links: http/http2.c http/goaway.c http/edits.c http/http2_record.c http/http1_record.c http/http1_length.c
 * Links: http/http1.c http/http1_message.c
 */
#include "http/goaway.h"
#include "http/http2_record.h"

#include "expect.h"

#include <stdlib.h>

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RST_STREAM,
	SETTINGS,
	PUSH_PROMISE,
	PING,
	GOAWAY,
	UPDATE,
	CONTINUATION
};
enum { END_STREAM = 1, END_HEADERS = 4 };

static uint32_t lot_state;

static uint32_t lot(uint32_t below)
{
	lot_state = lot_state * 1664525 + 1013904223;
	return below ? (lot_state >> 8) % below : 0;
}

/* Bytes of one direction. */
struct bytes {
	uint8_t list[1 << 16];
	size_t length;
};

static void put_frame(struct bytes *bytes, uint8_t type, uint8_t flags, uint32_t stream,
                      uint32_t length)
{
	const uint8_t head[] = {(uint8_t)(length >> 16),
	                        (uint8_t)(length >> 8),
	                        (uint8_t)length,
	                        type,
	                        flags,
	                        (uint8_t)(stream >> 24),
	                        (uint8_t)(stream >> 16),
	                        (uint8_t)(stream >> 8),
	                        (uint8_t)stream};

	memcpy(bytes->list + bytes->length, head, sizeof(head));
	bytes->length += sizeof(head);
	/* Looks like a frame's head, like anything. */
	for (uint32_t i = 0; i < length; i++)
		bytes->list[bytes->length++] = (uint8_t)lot(i % 3 ? 4 : 256);
}

static void read_all(struct http2 *http2, const struct bytes *bytes)
{
	http2_read(http2, bytes->list, bytes->length);
}

static void wrote_all(struct http2 *http2, const struct bytes *bytes)
{
	http2_wrote(http2, bytes->list, bytes->length);
}

static void read_frame(struct http2 *http2, uint8_t type, uint8_t flags, uint32_t stream,
                       uint32_t length)
{
	struct bytes bytes = {.length = 0};

	put_frame(&bytes, type, flags, stream, length);
	read_all(http2, &bytes);
}

static void wrote_frame(struct http2 *http2, uint8_t type, uint8_t flags, uint32_t stream,
                        uint32_t length)
{
	struct bytes bytes = {.length = 0};

	put_frame(&bytes, type, flags, stream, length);
	wrote_all(http2, &bytes);
}

static struct http2 begun(void)
{
	struct http2 http2 = {0};

	http2_read(&http2, HTTP2_PREFACE, HTTP2_PREFACE_LENGTH);
	read_frame(&http2, SETTINGS, 0, 0, 6);
	wrote_frame(&http2, SETTINGS, 0, 0, 12);
	expect_number("idle after SETTINGS", http2_is_idle(&http2), true);
	return http2;
}

static void a_stream_is_owed_until_the_server_ends_it(void)
{
	struct http2 http2 = begun();

	read_frame(&http2, HEADERS, END_HEADERS, 1, 20);
	expect_number("request begun", http2.open, 1);
	read_frame(&http2, DATA, END_STREAM, 1, 20);
	expect_number("request read", http2.open, 1);
	wrote_frame(&http2, HEADERS, END_HEADERS, 1, 20);
	wrote_frame(&http2, DATA, 0, 1, 20);
	expect_number("answer under way", http2.open, 1);
	wrote_frame(&http2, DATA, END_STREAM, 1, 0);
	expect_number("answered", http2_is_idle(&http2), true);
	read_frame(&http2, HEADERS, END_HEADERS | END_STREAM, 1, 5);
	expect_number("trailers after that", http2_is_idle(&http2), true);
}

static void trailers_end_it_and_resets(void)
{
	struct http2 http2 = begun();

	read_frame(&http2, HEADERS, END_HEADERS | END_STREAM, 1, 20);
	read_frame(&http2, HEADERS, END_HEADERS, 3, 20);
	read_frame(&http2, HEADERS, END_HEADERS, 5, 20);
	expect_number("three", http2.open, 3);
	wrote_frame(&http2, HEADERS, END_HEADERS, 1, 20);
	wrote_frame(&http2, HEADERS, END_HEADERS | END_STREAM, 1, 20);
	expect_number("trailers", http2.open, 2);
	read_frame(&http2, RST_STREAM, 0, 3, 4);
	expect_number("reset by the client", http2.open, 1);
	wrote_frame(&http2, RST_STREAM, 0, 5, 4);
	expect_number("reset by the server", http2_is_idle(&http2), true);
	wrote_frame(&http2, PING, 1, 0, 8);
	wrote_frame(&http2, SETTINGS, 1, 0, 0);
	expect_number("answers of the connection", http2_is_idle(&http2), true);
}

static void a_pushed_stream_is_owed(void)
{
	struct http2 http2 = begun();

	read_frame(&http2, HEADERS, END_HEADERS | END_STREAM, 1, 20);
	wrote_frame(&http2, PUSH_PROMISE, END_HEADERS, 1, 20);
	wrote_frame(&http2, HEADERS, END_HEADERS, 2, 20);
	wrote_frame(&http2, HEADERS, END_HEADERS | END_STREAM, 1, 20);
	expect_number("pushed", http2.open, 1);
	wrote_frame(&http2, DATA, END_STREAM, 2, 20);
	expect_number("whole", http2_is_idle(&http2), true);
}

static void more_streams_than_are_kept_are_in_doubt(void)
{
	struct http2 http2 = begun();

	for (uint32_t i = 0; i <= HTTP2_STREAMS; i++)
		read_frame(&http2, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, 3);
	expect_number("given up", http2.is_given_up, true);
	expect_number("idle", http2_is_idle(&http2), false);
}

static void what_is_no_http2_is_given_up(void)
{
	struct http2 other = {0}, early = begun();

	http2_read(&other, "PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n", HTTP2_PREFACE_LENGTH);
	expect_number("another preface", other.is_given_up, true);
	expect_number("another preface is none", other.has_preface, false);
	memset(&other, 0, sizeof(other));
	wrote_frame(&other, DATA, 0, 1, 5);
	expect_number("no SETTINGS", other.is_given_up, true);
	wrote_frame(&early, DATA, 0, 1, 0);
	http2_wrote_unseen(&early, 1);
	expect_number("unseen head", early.is_given_up, true);
}

/* --- By lot --- */

enum { MOST_STREAMS = 40 };

struct conversation {
	struct bytes read, written;
	uint32_t open; /* streams that the server has not ended */
	/* where a frame of somebody else's may be put into what is written */
	bool may_be_here[1 << 16];
};

static void put_headers(struct bytes *bytes, uint8_t flags, uint32_t stream)
{
	const uint32_t parts = lot(3);

	put_frame(bytes, HEADERS, (uint8_t)(flags | (parts ? 0 : END_HEADERS)), stream, lot(50));
	for (uint32_t i = 1; i <= parts; i++)
		put_frame(bytes, CONTINUATION, i == parts ? END_HEADERS : 0, stream, lot(50));
}

static void note_place(struct conversation *it)
{
	it->may_be_here[it->written.length] = true;
}

static void answer(struct conversation *it, uint32_t stream)
{
	const uint32_t parts = lot(4), way = lot(5);

	put_headers(&it->read, END_STREAM, stream);
	it->open++;
	if (way == 0)
		return;
	put_headers(&it->written, 0, stream);
	note_place(it);
	for (uint32_t i = 0; i < parts; i++) {
		put_frame(&it->written, DATA, 0, stream, lot(300));
		note_place(it);
	}
	if (way == 1)
		return;
	it->open--;
	if (way == 2)
		put_frame(&it->read, RST_STREAM, 0, stream, 4);
	else
		put_frame(&it->written, way == 3 ? DATA : HEADERS, END_STREAM | END_HEADERS, stream,
		          lot(50));
	note_place(it);
}

static void converse(struct conversation *it)
{
	const uint32_t streams = lot(MOST_STREAMS);

	memset(it, 0, sizeof(*it));
	memcpy(it->read.list, HTTP2_PREFACE, HTTP2_PREFACE_LENGTH);
	it->read.length = HTTP2_PREFACE_LENGTH;
	put_frame(&it->read, SETTINGS, 0, 0, 6 * lot(3));
	put_frame(&it->written, SETTINGS, 0, 0, 6 * lot(3));
	note_place(it);
	for (uint32_t i = 0; i < streams; i++) {
		if (lot(4) == 0)
			put_frame(&it->read, PING, 0, 0, 8);
		if (lot(4) == 0) {
			put_frame(&it->written, UPDATE, 0, 0, 4);
			note_place(it);
		}
		answer(it, 2 * i + 1);
	}
}

static size_t piece(size_t left)
{
	const size_t most = lot(3) == 0 ? 12 : 400, some = 1 + lot((uint32_t)most);

	return some < left ? some : left;
}

/* Both directions advance by lot, as whoever reads may be ahead of who writes, but not the other way. */
static void is_followed(const struct conversation *it)
{
	struct exchange_record record = {0};

	for (size_t at = 0, some; at < it->read.length; at += some) {
		struct iovec part = {(void *)(it->read.list + at), 0};

		some = part.iov_len = piece(it->read.length - at);
		if (http2_record_is_by_read(&record, &part, 1, some))
			http2_record_received(&record, &part, 1, some);
		else
			http1_record_received(&record, &part, 1, some);
	}
	for (size_t at = 0, some; at < it->written.length; at += some) {
		struct iovec part = {(void *)(it->written.list + at), 0};

		some = part.iov_len = piece(it->written.length - at);
		if (http2_record_is_by_write(&record, &part, 1, some))
			http2_record_sent(&record, &part, 1, some);
		else
			http1_record_sent(&record, &part, 1, some);
	}
	expect_number("HTTP/2", http2_record_is(&record), true);
	expect_number("given up", record.http2.is_given_up, false);
	/* What the client has reset before the server wrote on it counts no more. */
	expect_number("open", record.http2.open, it->open);
	expect_number("state", http2_record_state(&record),
	              it->open ? HTTP_UNDER_WAY : HTTP_NO_STREAM);
}

/* The bytes arrive as they were, and a GOAWAY between two frames. */
static void is_told(const struct conversation *it)
{
	static struct bytes out;
	const struct iovec text = edits_text(EDIT_GOAWAY);
	struct goaway goaway = {.is_on = true};
	size_t place = 0, own = 0;

	out.length = 0;
	while (own < it->written.length) {
		const size_t some = piece(it->written.length - own);
		const struct iovec part = {(void *)(it->written.list + own), some};
		struct iovec edited[1 + 2 * MOST_EDITS];
		struct edits edits;
		size_t taken = 0, all = 0;
		int made;

		goaway_plan(&goaway, &part, 1, lot(4) > 0, &edits);
		made = edits_apply(&part, 1, &edits, edited, 1 + 2 * MOST_EDITS);
		for (int i = 0; i < made; i++)
			all += edited[i].iov_len;
		taken = 1 + lot((uint32_t)all);
		for (size_t i = 0, left = taken; left > 0; i++) {
			const size_t length = edited[i].iov_len < left ? edited[i].iov_len : left;

			memcpy(out.list + out.length, edited[i].iov_base, length);
			out.length += length;
			left -= length;
		}
		own += goaway_wrote(&goaway, &part, 1, &edits, taken);
	}
	expect_number("half said", goaway.partly, 0);
	expect_number("length", out.length,
	              it->written.length + (goaway.is_said ? text.iov_len : 0));
	if (!goaway.is_said)
		return;
	while (place < it->written.length && out.list[place] == it->written.list[place])
		place++;
	while (place > 0 && !(it->may_be_here[place] &&
	                      memcmp(out.list + place, text.iov_base, text.iov_len) == 0))
		place--;
	expect_number("between frames", it->may_be_here[place], true);
	expect_number("before", memcmp(out.list, it->written.list, place), 0);
	expect_number("after",
	              memcmp(out.list + place + text.iov_len, it->written.list + place,
	                     it->written.length - place),
	              0);
}

int main(void)
{
	static struct conversation conversation;

	a_stream_is_owed_until_the_server_ends_it();
	trailers_end_it_and_resets();
	a_pushed_stream_is_owed();
	more_streams_than_are_kept_are_in_doubt();
	what_is_no_http2_is_given_up();
	for (lot_state = 1; lot_state < 3000 && expect_misses == 0; lot_state++) {
		const uint32_t seed = lot_state;

		converse(&conversation);
		is_followed(&conversation);
		is_told(&conversation);
		if (expect_misses)
			printf("seed %u\n", seed);
		lot_state = seed;
	}
	return expect_status();
}
