/* SPDX-License-Identifier: MIT */
/* Owns the HTTP/1.x that the example servers speak: one request in, pieces of one reply out. */
#ifndef TESTS_SERVERS_HTTP_H
#define TESTS_SERVERS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { HTTP_REQUEST_MAX = 8192, HTTP_PIECE_SIZE = 16384 };

struct http_request {
	char method[8];
	char path[256];
	char query[256];
	bool keep_alive;
};

/* A reply is handed out piece by piece, so that event loops and threads share one generator. */
struct http_reply {
	int status;
	bool keep_alive;
	bool chunked;
	bool head_sent;
	bool finished;
	long wait_ms;     /* to be waited for before the next piece is asked for */
	long chunk_ms;    /* between two chunks */
	long chunks_left; /* of a chunked reply */
	char *body;       /* NULL stands for filler; freed by http_reply_end() */
	size_t body_len;
	size_t body_sent;
};

struct http_piece {
	char data[HTTP_PIECE_SIZE];
	size_t len;
	size_t sent;
};

/* Parses the request at the start of DATA. Returns the bytes that it takes, 0 when it is not
 * complete yet, -1 when it is no request that we understand. */
ssize_t http_request_parse(const char *data, size_t len, struct http_request *ret_request);

/* Fills RET_PIECE with what comes next. Returns false when the reply is complete. */
bool http_reply_next(struct http_reply *reply, struct http_piece *ret_piece);

/* Frees what the reply holds. */
void http_reply_end(struct http_reply *reply);

#endif
