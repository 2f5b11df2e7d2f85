/* SPDX-License-Identifier: MIT */
/* Owns where a byte stream stands in an HTTP/1.x message, a request or a response, from the start
 * line to the end of its content (RFC 9112 §2 to §7). Pure, and byte by byte, so that it does not
 * matter where the stream is cut. One state machine serves both directions; http1.c knows which
 * request a response answers, and what to edit. */
#ifndef OCTOPUS_HTTP1_MESSAGE_H
#define OCTOPUS_HTTP1_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: between two messages. Other modules read only the members marked "public". */
struct http1_message {
	uint64_t left;   /* bytes left of the content or chunk; before it, the length read so far */
	uint16_t status; /* public, of a response once its status line has ended */
	uint8_t part;    /* where in the message the stream stands */
	uint8_t field;   /* the field of this line */
	uint8_t candidates; /* one bit for each word that the current one may still become */
	uint8_t length;     /* of that word, or of another part; at most UINT8_MAX */

	uint16_t is_http_1_0 : 1;         /* public */
	uint16_t has_close : 1;           /* public: a Connection line says close */
	uint16_t line_has_option : 1;     /* public: this Connection line has an option */
	uint16_t line_has_keep_alive : 1; /* public: this Connection line has keep-alive */
	uint16_t is_request : 1;
	uint16_t has_length : 1;
	uint16_t has_coding : 1;
	uint16_t is_chunked : 1; /* public */
	uint16_t is_in_trailer : 1;
	uint16_t awaits_lf : 1; /* the line ended with a CR, and is handled already */
};

/* The events of a byte. A line ends with its CR, or with an LF that has none. */
enum {
	HTTP1_BAD = 1 << 0,         /* not HTTP/1.x, or ambiguous: give the message up */
	HTTP1_METHOD_READ = 1 << 1, /* http1_message_method() knows it */
	HTTP1_KEEP_ALIVE_READ =
		1 << 2,             /* the bytes before were `keep-alive`, a connection option */
	HTTP1_OPTIONS_END = 1 << 3, /* a Connection line ends */
	HTTP1_HEAD_END = 1 << 4,    /* the empty line begins: call http1_message_begin_content() */
};

enum http1_method { HTTP1_OTHER_METHOD, HTTP1_HEAD, HTTP1_CONNECT };

/* The next byte begins a request, or a response. Context: any. */
void http1_message_begin_request(struct http1_message *message);
void http1_message_begin_response(struct http1_message *message);

/* Takes one byte, when http1_message_skip() has skipped none. Returns the events. Context: any. */
unsigned http1_message_step(struct http1_message *message, uint8_t c);

/* The head has ended. The message has the content that its fields give, or, if HAS_NONE, none.
 * Context: any. */
void http1_message_begin_content(struct http1_message *message, bool has_none);

/* True if the message is not complete; a missing LF of its last line does not count.
 * Context: any. */
uint64_t http1_message_skip(struct http1_message *message, uint64_t n);

/* True if the message is not complete; the LF of its last line may be missing. Context: any. */
bool http1_message_is_under_way(const struct http1_message *message);

/* True if no message has begun, or the last one is complete with its last LF. Context: any. */
bool http1_message_is_between(const struct http1_message *message);

/* The method of a request, at HTTP1_METHOD_READ. Context: any. */
enum http1_method http1_message_method(const struct http1_message *message);

#endif
