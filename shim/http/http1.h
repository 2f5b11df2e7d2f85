/* SPDX-License-Identifier: MIT */
/* Owns the state of one connection that may speak HTTP/1.x: where its requests and responses stand,
 * and which bytes of a response to change so that it says `Connection: close` (RFC 9112 §9.6).
 * Pure: no system call, no allocation, no lock, and it never writes to the server's bytes.
 *
 * A wrapper that reads calls http1_read() after the read. A wrapper that writes asks before the
 * write and reports after it:
 *
 *     http1_plan(connection, iov, count, true, &edits);
 *     if (edits.count == 0) sent = writev(fd, iov, count);
 *     else sent = writev(fd, edited, edits_apply(iov, count, &edits, edited, room));
 *     if (sent > 0) sent = http1_wrote(connection, iov, count, &edits, sent);
 *
 * RFC 9112 §6 and §7 frame the messages. This module gives a connection up for good when a
 * message is not plainly HTTP/1.0 or 1.1, or has two possible framings: obsolete folding, a space
 * before the colon, control characters, two lengths, a length and a transfer coding, a coding that
 * does not end in the one `chunked`, or a response without a request. From there on all bytes pass
 * untouched. The same holds for the bytes after a 101 and after a 2xx to CONNECT: a tunnel.
 *
 * http1_plan() edits a response only if it is final (not 1xx), its request has been read
 * completely, and no other request is waiting or has begun: with pipelined requests only the last
 * response says close.
 *
 * An inserted or appended edit makes the message longer. A replaced option does not: the white
 * space behind it is optional (RFC 9110 §5.6.1, §5.6.3). The content never changes. */
#ifndef OCTOPUS_HTTP1_H
#define OCTOPUS_HTTP1_H

#include "http/edits.h"
#include "http/http1_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Where a connection stands, as far as its HTTP was followed. */
enum http_state {
	HTTP_UNKNOWN,
	HTTP_LOST,            /* it was followed, and is not any more: a tunnel, or in doubt */
	HTTP_UNDER_WAY,       /* a request is not answered, or a response not complete */
	HTTP_BETWEEN,         /* all requests are answered in full */
	HTTP_NO_STREAM,       /* the same, by HTTP/2: the client is told, and may leave by itself */
	HTTP_CLOSE_ANNOUNCED, /* they are, and an edit made the last response say close */
};

/* One connection. All zero: between two messages, like a connection just accepted. It must be
 * followed from such a boundary on, else content may pass for a head. The caller may copy it and
 * discard it. The caller owns it, and lets one thread at a time use it. */
struct http1 {
	struct http1_message request;
	struct http1_message response;
	uint32_t methods;   /* of the unanswered requests, two bits each, the oldest lowest */
	uint8_t unanswered; /* requests begun whose final response is not complete */
	bool is_given_up;
	bool has_spoken;   /* the head of a request was complete */
	uint8_t announced; /* edits of this response that say close */
	uint8_t edit;      /* enum edit_kind: the edit that is partly out, if edit_out */
	uint8_t edit_out;  /* bytes of its text that are out */
};

/* Gives the connection up for good, because no wrapper saw some of its bytes or it does not speak
 * HTTP/1.x. Context: any. */
void http1_give_up(struct http1 *http1);

/* The server has read N bytes into IOV in one read, and not with MSG_PEEK (recv(2)).
 * Context: any. */
void http1_read(struct http1 *http1, const struct iovec *iov, int count, size_t n);

/* Plans the edits of what the server wants to write; HTTP1 does not change. Without MAY_EDIT this
 * begins no new edit, but always finishes one that is partly out. A caller clears MAY_EDIT when,
 * say, the kernel holds bytes that the server has not read: they may be the next request. The same
 * state, bytes and MAY_EDIT give the same edits.
 *
 * The server may cut a response into writes as it likes, with one exception. An option `keep-alive`
 * is replaced only if one write contains it and the byte behind it. Otherwise it stays, and
 * `, close` goes behind it. `close` then wins (RFC 9112 §9.3), also with clients that read only the
 * first Connection line (Python's http.client), which would not find `close` on a line of its own.
 * Only with HTTP/1.0 some clients prefer `keep-alive` (curl). A fourth `keep-alive` in one response
 * stays, too.
 *
 * A write that ends in a lone CR at the beginning of a line has begun the empty line; the insertion
 * goes before that CR. Context: any. */
void http1_plan(const struct http1 *http1, const struct iovec *iov, int count, bool may_edit,
                struct edits *ret_edits);

/* The kernel took TAKEN of the edited bytes. EDITS is the plan made in the present state, or NULL
 * for no edits. Returns how many of the server's bytes these are: the result of its write. That can
 * be 0 with TAKEN above 0, when only inserted bytes went out. Then a blocking call goes on, and
 * another says EAGAIN.
 *
 * HTTP1 remembers an edit only as far as it went out. An edit that is partly out relies on the
 * server to write the bytes again that the kernel did not take, as it must. Context: any. */
size_t http1_wrote(struct http1 *http1, const struct iovec *iov, int count,
                   const struct edits *edits, size_t taken);

/* The server received N more bytes of the request, whose text is not recorded; they must all be
 * content. Context: any. */
void http1_received(struct http1 *http1, uint64_t n);

/* N bytes of content went out by another call, such as sendfile(2). Context: any. */
void http1_sent(struct http1 *http1, uint64_t n);

/* True if the last response is complete and an edit made it say close, and no request has begun
 * since: the caller may shut the reading side down. False for a response that said close by itself,
 * because its server closes by itself. Context: any. */
bool http1_close_is_announced(const struct http1 *http1);

/* True between messages: each request read is complete and answered. Context: any. */
bool http1_is_idle(const struct http1 *http1);

/* Sums the questions up. Context: any. */
enum http_state http1_state(const struct http1 *http1);

/* True if given up: http1_plan() edits nothing any more. Context: any. */
bool http1_is_given_up(const struct http1 *http1);

#endif
