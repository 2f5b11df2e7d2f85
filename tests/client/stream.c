/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include "tls.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

enum outcome stream_wait(const struct stream *stream, short events)
{
	for (;;) {
		struct pollfd ready = {stream->fd, events, 0};
		long long left = -1;
		if (stream->deadline != -1) {
			left = stream->deadline - now_ms();
			if (left <= 0)
				return OUTCOME_TIMEOUT;
		}
		int count = poll(&ready, 1, (int)left);
		if (count > 0)
			return OUTCOME_OK;
		if (count == -1 && errno != EINTR)
			return outcome_from_errno("poll", errno);
	}
}

void stream_set_timeout(struct stream *stream, int timeout_ms)
{
	stream->deadline = timeout_ms == -1 ? -1 : now_ms() + timeout_ms;
}

/* Moves bytes once. Returns their count, 0 at the end, or -1 with *RET_EVENTS to be waited for,
 * or with *RET_EVENTS 0 and *RET_OUTCOME set. */
static ssize_t plain_move(const struct stream *stream, bool is_write, void *data, size_t len,
                          short *ret_events, enum outcome *ret_outcome)
{
	ssize_t moved = is_write ? send(stream->fd, data, len, MSG_NOSIGNAL)
	                         : recv(stream->fd, data, len, 0);

	*ret_events = 0;
	if (moved == -1 && (errno == EAGAIN || errno == EINTR))
		*ret_events = is_write ? POLLOUT : POLLIN;
	else if (moved == -1)
		*ret_outcome = outcome_from_errno(is_write ? "send" : "recv", errno);
	return moved;
}

static enum outcome stream_move(const struct stream *stream, bool is_write, void *data, size_t len,
                                size_t *ret_moved)
{
	for (;;) {
		enum outcome outcome = OUTCOME_OK;
		short events = 0;
		ssize_t moved;
		if (stream->tls)
			moved = tls_move(stream->tls, is_write, data, len, &events, &outcome);
		else
			moved = plain_move(stream, is_write, data, len, &events, &outcome);
		if (moved > 0) {
			*ret_moved = (size_t)moved;
			return OUTCOME_OK;
		}
		if (moved == 0)
			return OUTCOME_EOF;
		if (events)
			outcome = stream_wait(stream, events);
		if (outcome != OUTCOME_OK)
			return outcome;
	}
}

enum outcome stream_check_open(const struct stream *stream)
{
	char byte;

	if (stream->tls)
		return tls_check_open(stream->tls);
	ssize_t got = recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (got == 0)
		return OUTCOME_EOF;
	return got > 0 || errno == EAGAIN ? OUTCOME_OK : outcome_from_errno("recv", errno);
}

enum outcome stream_write(struct stream *stream, const void *data, size_t len)
{
	size_t done = 0;

	stream->is_answering = false;
	while (done < len) {
		size_t moved = 0;
		enum outcome outcome =
			stream_move(stream, true, (char *)data + done, len - done, &moved);
		if (outcome != OUTCOME_OK)
			return outcome;
		done += moved;
	}
	return OUTCOME_OK;
}

/* Refills the empty buffer. */
static enum outcome stream_fill(struct stream *stream)
{
	enum outcome outcome =
		stream_move(stream, false, stream->buffer, sizeof(stream->buffer), &stream->end);

	stream->start = 0;
	if (outcome != OUTCOME_OK)
		stream->end = 0;
	if (outcome == OUTCOME_EOF && stream->is_answering)
		return OUTCOME_SHORT;
	if (outcome == OUTCOME_OK)
		stream->is_answering = true;
	return outcome;
}

enum outcome stream_read_line(struct stream *stream, char *ret_line, size_t size)
{
	size_t len = 0;

	for (;;) {
		if (stream->start == stream->end) {
			enum outcome outcome = stream_fill(stream);
			if (outcome != OUTCOME_OK)
				return outcome;
		}
		char c = stream->buffer[stream->start++];
		if (c == '\n')
			break;
		if (len + 1 == size)
			return OUTCOME_PROTOCOL;
		ret_line[len++] = c;
	}
	if (len > 0 && ret_line[len - 1] == '\r')
		len--;
	ret_line[len] = '\0';
	return OUTCOME_OK;
}

enum outcome stream_read_bytes(struct stream *stream, size_t len, char *ret_text, size_t size)
{
	size_t kept = 0;

	if (size > 0)
		ret_text[0] = '\0';
	while (len > 0) {
		if (stream->start == stream->end) {
			enum outcome outcome = stream_fill(stream);
			if (outcome != OUTCOME_OK)
				return outcome;
		}
		size_t take = stream->end - stream->start;
		if (take > len)
			take = len;
		for (size_t i = 0; i < take && kept + 1 < size; i++)
			ret_text[kept++] = stream->buffer[stream->start + i];
		if (size > 0)
			ret_text[kept] = '\0';
		stream->start += take;
		len -= take;
	}
	return OUTCOME_OK;
}

enum outcome stream_read_end(struct stream *stream)
{
	if (stream->start < stream->end)
		return OUTCOME_PROTOCOL;
	stream->is_answering = false;
	enum outcome outcome = stream_fill(stream);
	if (outcome == OUTCOME_EOF)
		return OUTCOME_OK;
	return outcome == OUTCOME_OK ? OUTCOME_PROTOCOL : outcome;
}

void stream_close(struct stream *stream)
{
	if (stream->tls)
		tls_free(stream->tls);
	stream->tls = NULL;
	if (stream->fd != -1)
		close(stream->fd);
	stream->fd = -1;
}
