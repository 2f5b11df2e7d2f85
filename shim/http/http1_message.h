/* SPDX-License-Identifier: MIT */
/* Owns where in an HTTP/1.x message a stream of bytes stands: request or response, from the start line
 * to the end of its content (RFC 9112 §2 to §7). Pure, and byte by byte: where the stream is cut makes
 * no difference. One machine for both directions; who asked what, and what is to be changed, is the
 * business of http1.c. */
#ifndef OCTOPUS_HTTP1_MESSAGE_H
#define OCTOPUS_HTTP1_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: between two messages. What others may look at is named so. */
struct http1_message {
	uint64_t left;      /* of the content or chunk; before it, the length as read so far */
	uint16_t status;    /* of a response, for others once its line has ended */
	uint8_t part;       /* where in the message the stream stands */
	uint8_t field;      /* which field line this is */
	uint8_t candidates; /* words that the one under way may still become: a bit for each */
	uint8_t length;     /* of that word, or of another part; not beyond UINT8_MAX */

	uint16_t is_http_1_0 : 1;         /* for others, too */
	uint16_t has_close : 1;           /* for others, too: a Connection line said so */
	uint16_t line_has_option : 1;     /* for others, too: this Connection line, any */
	uint16_t line_has_keep_alive : 1; /* for others, too: this Connection line */
	uint16_t is_request : 1;
	uint16_t has_length : 1;
	uint16_t has_coding : 1;
	uint16_t is_chunked : 1;
	uint16_t is_in_trailer : 1;
	uint16_t awaits_lf : 1; /* a CR ended the line; all else has been done already */
};

/* What a byte has brought about. A line ends with its CR, or with an LF that has none. */
enum {
	HTTP1_BAD = 1 << 0, /* not HTTP/1.x, or in doubt: the message is not usable any more */
	HTTP1_METHOD_READ = 1 << 1, /* http1_message_method() knows */
	HTTP1_KEEP_ALIVE_READ =
		1 << 2,             /* the bytes before were `keep-alive`, a connection option */
	HTTP1_OPTIONS_END = 1 << 3, /* a Connection line ends */
	HTTP1_HEAD_END = 1 << 4, /* the empty line begins: http1_message_begin_content() is due */
};

enum http1_method { HTTP1_OTHER_METHOD, HTTP1_HEAD, HTTP1_CONNECT };

/* The next byte begins a message. Context: any. */
void http1_message_begin_request(struct http1_message *message);
void http1_message_begin_response(struct http1_message *message);

/* One byte, when http1_message_skip() found none to skip. Returns the events. Context: any. */
unsigned http1_message_step(struct http1_message *message, uint8_t c);

/* At the end of the head: it has content as its fields say, or HAS_NONE whatever they say. Context: any. */
void http1_message_begin_content(struct http1_message *message, bool has_none);

/* Of N bytes to come, these are content, and count as gone by. Context: any. */
uint64_t http1_message_skip(struct http1_message *message, uint64_t n);

/* Not complete, but for the LF of its last line. Context: any. */
bool http1_message_is_under_way(const struct http1_message *message);

/* Complete, LF and all. Context: any. */
bool http1_message_is_between(const struct http1_message *message);

/* Of a request, at HTTP1_METHOD_READ. Context: any. */
enum http1_method http1_message_method(const struct http1_message *message);

#endif
