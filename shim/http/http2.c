/* SPDX-License-Identifier: MIT */
#include "http/http2.h"

#include <string.h>

/* RFC 9113 §6. */
enum frame_type {
	FRAME_HEADERS = 1,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PUSH_PROMISE = 5,
	FRAME_GOAWAY = 7,
	FRAME_CONTINUATION = 9,
};

#define FLAG_END_STREAM 0x1
#define FLAG_END_HEADERS 0x4

/* The type says whether the first flag means the end: of a PING and of SETTINGS it means an answer. */
#define FRAME_DATA 0

struct frame {
	uint32_t length, stream;
	uint8_t type, flags;
};

static struct frame frame_of(const uint8_t *head)
{
	return (struct frame){
		.length = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2],
		.type = head[3],
		.flags = head[4],
		.stream = ((uint32_t)head[5] & 0x7f) << 24 | (uint32_t)head[6] << 16 |
	                  (uint32_t)head[7] << 8 | head[8],
	};
}

/* SETTINGS have 6 bytes each, and their first frame answers nothing (§6.5). */
bool http2_may_begin(struct iovec part)
{
	struct frame frame;

	if (part.iov_len < HTTP2_FRAME_HEAD)
		return false;
	frame = frame_of(part.iov_base);
	return frame.type == FRAME_SETTINGS && frame.flags == 0 && frame.stream == 0 &&
	       frame.length % 6 == 0 && frame.length < 0x4000;
}

void http2_give_up(struct http2 *http2)
{
	http2->is_given_up = true;
}

/* --- Frames --- */

static void begin_frame(struct http2_way *way, const struct frame *frame)
{
	const bool has_headers = frame->type == FRAME_HEADERS ||
	                         frame->type == FRAME_PUSH_PROMISE ||
	                         frame->type == FRAME_CONTINUATION;

	way->have = 0;
	way->left = frame->length;
	way->is_in_headers = has_headers && !(frame->flags & FLAG_END_HEADERS);
	way->has_begun = true;
}

/* Takes some of N bytes: payload, or a part of a head. *ret_frame is set, and the result true, where that
 * completes a head. */
static bool step(struct http2_way *way, const uint8_t *bytes, size_t n, size_t *ret_taken,
                 struct frame *ret_frame)
{
	const size_t have = way->have < HTTP2_FRAME_HEAD ? way->have : 0;
	size_t some;

	if (way->left > 0) {
		some = way->left < n ? way->left : n;
		way->left -= (uint32_t)some;
		*ret_taken = some;
		return false;
	}
	some = HTTP2_FRAME_HEAD - have;
	some = some < n ? some : n;
	memcpy(way->head + have, bytes, some);
	way->have = (uint8_t)(have + some);
	*ret_taken = some;
	if (have + some < HTTP2_FRAME_HEAD)
		return false;
	*ret_frame = frame_of(way->head);
	begin_frame(way, ret_frame);
	return true;
}

bool http2_pass_unseen(struct http2_way *way, uint64_t n)
{
	if (n > way->left)
		return false;
	way->left -= (uint32_t)n;
	return true;
}

bool http2_pass(struct http2_way *way, const void *bytes, size_t n)
{
	bool has_goaway = false;
	struct frame frame;
	size_t taken;

	for (size_t at = 0; at < n; at += taken) {
		if (step(way, (const uint8_t *)bytes + at, n - at, &taken, &frame))
			has_goaway |= frame.type == FRAME_GOAWAY;
	}
	return has_goaway;
}

/* --- Streams --- */

static void open_stream(struct http2 *http2, uint32_t stream)
{
	const uint16_t open = http2->open;

	if (open >= HTTP2_STREAMS) {
		http2_give_up(http2);
		return;
	}
	http2->streams[open] = stream;
	http2->open = (uint16_t)(open + 1);
}

static void close_stream(struct http2 *http2, uint32_t stream)
{
	const uint16_t open = http2->open < HTTP2_STREAMS ? http2->open : HTTP2_STREAMS;
	uint16_t at = 0;

	while (at < open && http2->streams[at] != stream)
		at++;
	if (open > 0 && at < open) {
		http2->streams[at] = http2->streams[open - 1];
		http2->open = (uint16_t)(open - 1);
	}
}

static bool is_clients(uint32_t stream)
{
	return stream % 2 != 0;
}

/* A client begins its streams in the order of their numbers (§5.1.1); a later HEADERS are trailers. */
static void note_read(struct http2 *http2, const struct frame *frame)
{
	if (frame->type == FRAME_HEADERS && is_clients(frame->stream) &&
	    frame->stream > http2->last_stream) {
		http2->last_stream = frame->stream;
		open_stream(http2, frame->stream);
	} else if (frame->type == FRAME_RST_STREAM) {
		close_stream(http2, frame->stream);
	}
}

static void note_wrote(struct http2 *http2, const struct frame *frame)
{
	const bool may_end = frame->type == FRAME_DATA || frame->type == FRAME_HEADERS;
	const bool ends = may_end && (frame->flags & FLAG_END_STREAM);

	if (frame->type == FRAME_HEADERS && !is_clients(frame->stream) && !ends)
		open_stream(http2, frame->stream);
	else if (ends || frame->type == FRAME_RST_STREAM)
		close_stream(http2, frame->stream);
	else if (frame->type == FRAME_GOAWAY)
		http2->has_goaway = true;
}

/* --- Bytes --- */

static size_t read_preface(struct http2 *http2, const uint8_t *bytes, size_t n)
{
	const size_t have = http2->preface < HTTP2_PREFACE_LENGTH ? http2->preface : 0;
	const size_t left = HTTP2_PREFACE_LENGTH - have;
	const size_t some = left < n ? left : n;

	if (memcmp(bytes, &HTTP2_PREFACE[have], some) != 0)
		http2_give_up(http2);
	http2->preface = (uint8_t)(have + some);
	http2->has_preface = some == left && !http2->is_given_up;
	return some;
}

void http2_read(struct http2 *http2, const void *bytes, size_t n)
{
	const uint8_t *at = bytes, *end = at + n;
	struct frame frame;
	size_t taken;

	if (!http2->is_given_up && !http2->has_preface)
		at += read_preface(http2, at, n);
	for (; at < end && !http2->is_given_up; at += taken) {
		if (step(&http2->in, at, (size_t)(end - at), &taken, &frame))
			note_read(http2, &frame);
	}
}

void http2_wrote(struct http2 *http2, const void *bytes, size_t n)
{
	const uint8_t *at = bytes, *end = at + n;
	struct frame frame;
	size_t taken;

	for (; at < end && !http2->is_given_up; at += taken) {
		const bool is_first = !http2->out.has_begun;

		if (!step(&http2->out, at, (size_t)(end - at), &taken, &frame))
			continue;
		if (is_first && frame.type != FRAME_SETTINGS)
			http2_give_up(http2);
		note_wrote(http2, &frame);
	}
}

void http2_read_unseen(struct http2 *http2, uint64_t n)
{
	if (!http2_pass_unseen(&http2->in, n))
		http2_give_up(http2);
}

void http2_wrote_unseen(struct http2 *http2, uint64_t n)
{
	if (!http2_pass_unseen(&http2->out, n))
		http2_give_up(http2);
}

bool http2_is_idle(const struct http2 *http2)
{
	return !http2->is_given_up && http2->open == 0 && http2->has_preface &&
	       http2->in.left == 0 && http2->in.have == 0 && http2->out.left == 0 &&
	       http2->out.have == 0;
}

/* --- Places between frames --- */

bool http2_is_between_frames(const struct http2_way *out)
{
	return out->has_begun && out->left == 0 && out->have == 0 && !out->is_in_headers;
}

size_t http2_find_place(struct http2_way *out, const void *bytes, size_t n)
{
	struct frame frame;
	size_t at = 0, taken;

	for (; at < n && !http2_is_between_frames(out); at += taken)
		(void)step(out, (const uint8_t *)bytes + at, n - at, &taken, &frame);
	return at;
}
