/* SPDX-License-Identifier: MIT */
/* Owns one connection to a server, plain or TLS, with a deadline on all that waits. */
#ifndef TESTS_CLIENT_STREAM_H
#define TESTS_CLIENT_STREAM_H

#include "outcome.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>

enum { STREAM_BUFFER_SIZE = 16384 };

struct stream {
	int fd;
	void *tls;          /* an SSL, or NULL */
	bool is_reused;     /* it has answered before */
	bool is_answering;  /* bytes of the present answer have come */
	long long deadline; /* in ms of CLOCK_MONOTONIC, -1 for none */
	size_t start;       /* the buffered bytes are START..END */
	size_t end;
	char buffer[STREAM_BUFFER_SIZE];
};

/* Connects; for TLS the handshake is left to the first stream_write(). Waits TIMEOUT_MS at most,
 * then and for each request that follows. On any outcome but OUTCOME_OK the stream is closed. */
enum outcome stream_connect(struct stream *stream, const struct target *target, int timeout_ms);

/* Starts the time of a new request. */
void stream_set_timeout(struct stream *stream, int timeout_ms);

/* Waits until the socket is ready for EVENTS or has failed, or the time is over. */
enum outcome stream_wait(const struct stream *stream, short events);

/* Looks, without waiting, whether the server has ended a connection that it was to keep. Once
 * something was sent on such a connection, an end and a reset can no longer be told apart. */
enum outcome stream_check_open(const struct stream *stream);

/* Sends all of DATA. */
enum outcome stream_write(struct stream *stream, const void *data, size_t len);

/* Reads a line and cuts its line end off. OUTCOME_PROTOCOL when it does not fit into SIZE. */
enum outcome stream_read_line(struct stream *stream, char *ret_line, size_t size);

/* Reads LEN bytes and keeps the first SIZE - 1 of them as a string. SIZE may be 0. */
enum outcome stream_read_bytes(struct stream *stream, size_t len, char *ret_text, size_t size);

/* Waits for the orderly end. OUTCOME_PROTOCOL when bytes come instead. */
enum outcome stream_read_end(struct stream *stream);

/* Closes the connection; one that is closed already stays so. */
void stream_close(struct stream *stream);

#endif
