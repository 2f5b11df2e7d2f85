/* SPDX-License-Identifier: MIT */
/* Owns what is known of one connection that may speak HTTP/1.x: where in its requests and responses
 * the two streams state, and which bytes of a response change so that it says `Connection: close`
 * (RFC 9112 §9.6). Pure: no system call, no allocation, no lock, and the server's bytes are only read.
 *
 * A wrapper that reads shows what came: http1_read(). A wrapper that writes asks before, tells after:
 *
 *     http1_plan(connection, iov, count, true, &edits);
 *     if (edits.count == 0) sent = writev(fd, iov, count);
 *     else sent = writev(fd, edited, http1_apply(iov, count, &edits, edited, room));
 *     if (sent > 0) sent = http1_wrote(connection, iov, count, &edits, sent);
 *
 * Messages are framed by RFC 9112 §6 and §7. Whatever is not plainly HTTP/1.0 or 1.1, or could be framed
 * in two ways (obsolete folding, a space before the colon, control characters, two lengths, a length
 * and a transfer coding, a coding that does not end in the one `chunked`, a response that nobody asked
 * for), is given up for good: from there on all bytes pass untouched. So does what follows a 101, and
 * a 2xx to CONNECT: a tunnel.
 *
 * A response is edited only if it is final (not 1xx), its request has been read completely, and no other
 * request is waiting or has begun: who sent two at once gets the word with the last answer.
 *
 * An inserted or appended edit makes the message longer, a replaced option never does: the white space
 * behind it is optional (RFC 9110 §5.6.1, §5.6.3). The content is never touched. */
#ifndef OCTOPUS_HTTP1_H
#define OCTOPUS_HTTP1_H

#include "http/http1_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* What the responses say, where HTTP/1.x was followed. */
enum http_state {
	HTTP_UNKNOWN,
	HTTP_UNDER_WAY,       /* a request is not answered, or a response not complete */
	HTTP_BETWEEN,         /* all requests are answered in full */
	HTTP_CLOSE_ANNOUNCED, /* so they are, and the client knows that no more will be */
};

/* One connection. All zero: between two messages, as a connection is that was just accepted. It may be
 * copied and thrown away as it is. It belongs to the caller, who lets one thread at a time use it. */
struct http1 {
	struct http1_message request;
	struct http1_message response;
	uint32_t methods;   /* of the requests not yet answered, two bits each, the oldest lowest */
	uint8_t unanswered; /* requests begun whose final response is not complete */
	uint8_t knowledge;  /* whether the streams are followed */
	uint8_t announced;  /* edits of this response: how often it says close */
	uint8_t edit;       /* enum http1_edit_kind: the edit that is partly out, if edit_out */
	uint8_t edit_out;   /* so many bytes of its text */
};

enum http1_edit_kind {
	HTTP1_REPLACE, /* the option `keep-alive` becomes `close` and five spaces: same length */
	HTTP1_APPEND,  /* `, close` at the end of a Connection line that goes out without it */
	HTTP1_INSERT,  /* a line `Connection: close` before the empty line */
};

/* Before the byte OFFSET of what the server writes goes LENGTH bytes of the kind's text from FROM on. Of
 * HTTP1_REPLACE they go out instead of as many of the server's bytes, else additionally. */
struct http1_edit {
	size_t offset;
	uint8_t kind;
	uint8_t from;
	uint8_t length;
};

/* One write has at most one response that is edited. */
enum { HTTP1_EDITS = 4 };
struct http1_edits {
	int count;
	struct http1_edit list[HTTP1_EDITS];
};

/* The connection was not followed from its first byte, or a request may be under way on it. It is
 * followed once a read begins with what is plainly a request: a method of capital letters, a space,
 * and `/`, `*` or `h`. Nothing is edited until then. Context: any. */
void http1_join_late(struct http1 *http1);

/* Bytes went over the connection that were not seen, or it is known not to speak HTTP/1.x: given up
 * for good. Context: any. */
void http1_give_up(struct http1 *http1);

/* The server has read N bytes into IOV: one read, and not a peek. Context: any. */
void http1_read(struct http1 *http1, const struct iovec *iov, int count, size_t n);

/* The edits of what the server wants to write; HTTP1 stays as it is. Without MAY_EDIT (the kernel holds
 * bytes that the server has not read, say: they may be the next request) nothing new is begun, but an
 * edit that is partly out is always finished. The same state, bytes and MAY_EDIT give the same edits.
 *
 * It does not matter how a response is cut into writes, with one exception: an option `keep-alive` is
 * replaced only if it and the byte behind it are in one write. If not, it stays, and `, close` goes behind
 * it. `close` wins then (RFC 9112 §9.3), also with clients that read only the first Connection line, as
 * Python's http.client does; that is why it is not a line of its own. Only with HTTP/1.0 some take
 * `keep-alive` first (curl does). A fourth `keep-alive` in one response stays, too.
 *
 * A write that ends in a lone CR at the beginning of a line has begun the empty line: the insertion goes
 * before it. Context: any. */
void http1_plan(const struct http1 *http1, const struct iovec *iov, int count, bool may_edit,
                struct http1_edits *ret_edits);

/* Makes the scatter list of the edited bytes; it points into IOV's bytes and into constants. At most
 * ROOM entries: what does not fit is left out at the end, a shorter write. COUNT + 2 * HTTP1_EDITS always
 * suffice. Returns the number of entries. Context: any. */
int http1_apply(const struct iovec *iov, int count, const struct http1_edits *edits,
                struct iovec *ret_iov, int room);

/* The kernel took TAKEN of the edited bytes, which came of a plan with the present state (EDITS may be NULL:
 * there were none). Returns how many of the server's own these are: the result of its write. That can be 0
 * with TAKEN above 0, when only inserted bytes went out: a blocking call goes on, another says EAGAIN.
 *
 * What was planned is remembered only as far as it went out: an edit that is partly out counts on the
 * server to write the bytes again that were not taken, as it must. Context: any. */
size_t http1_wrote(struct http1 *http1, const struct iovec *iov, int count,
                   const struct http1_edits *edits, size_t taken);

/* N bytes of a request's content came in that were not kept. Context: any. */
void http1_received(struct http1 *http1, uint64_t n);

/* N bytes of content went out by another way, as with sendfile(2). Context: any. */
void http1_sent(struct http1 *http1, uint64_t n);

/* The last response is complete and said close by an edit, and no request has begun since: nothing more is
 * to come, and the reading side may be ended. Of a response that said so on its own accord this
 * is not claimed; its server closes by itself. Context: any. */
bool http1_close_is_announced(const struct http1 *http1);

/* Between messages: each request read is complete and answered. Context: any. */
bool http1_is_idle(const struct http1 *http1);

/* What is read and written means something: it did not join late, or has found the beginning of a request, and is
 * not given up. Context: any. */
bool http1_is_followed(const struct http1 *http1);

/* All of these in one word. Context: any. */
enum http_state http1_state(const struct http1 *http1);

/* A response is under way whose length its chunks give. Context: any. */
bool http1_is_in_chunks(const struct http1 *http1);

/* Given up: nothing will ever be edited any more. Context: any. */
bool http1_is_given_up(const struct http1 *http1);

#endif
