/* SPDX-License-Identifier: MIT */
/* Owns the record of one connection's last exchange, and its reading as HTTP/1.x. Pure. A connection that
 * speaks HTTP/2 has another record in the same place (http2_record.h).
 *
 * It must never take the middle of a message for its beginning: then a client could make the library
 * change the content of a response. So an exchange begins at a boundary that is proved, from the
 * first byte of the connection on. The bytes of an ordinary exchange are kept, and nobody reads them
 * but for their length (http1_length.h), and that only when the next exchange begins. Then this one
 * must be complete: the request read, and the response written in full. What is the same as in the
 * exchange before is not looked at again. Of a longer or unusual one the state is kept
 * (http1.h) and no bytes. Where that is lost, the record says nothing any more. */
#ifndef OCTOPUS_HTTP1_RECORD_H
#define OCTOPUS_HTTP1_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "http/http1.h"
#include "http/http2.h"
#include "kernel/caller_memory.h"

#define EXCHANGE_KEPT 982

/* The bytes read since the last write, or written since the last read. */
struct exchange_side {
	uint64_t total;
	uint64_t due; /* how long the message is; 0: not known yet */
	uint16_t
		kept; /* the first bytes, so many, are here; there are more only where DUE is known */
	char bytes[EXCHANGE_KEPT];
};

enum exchange_turn { EXCHANGE_NOTHING, EXCHANGE_REQUEST, EXCHANGE_RESPONSE };

enum exchange_form {
	/* The sides hold the exchange from its first byte on. Where it is the request's turn, the
	 * response is the one before. */
	EXCHANGE_BYTES,
	EXCHANGE_STATE,     /* a struct http1 is in the place of the response's bytes */
	EXCHANGE_FRAMES,    /* HTTP/2 */
	EXCHANGE_LOST,      /* not HTTP/1.x, or some bytes are not known */
	EXCHANGE_LOST_HTTP, /* the same, after a request that was HTTP/1.x */
};

/* All zero: a connection of which nothing has been read or written. */
struct exchange_record {
	uint8_t turn; /* enum exchange_turn: the side that is under way */
	uint8_t form; /* enum exchange_form */
	/* The request has the method and the fields of the one before, whose exchange is complete.
	 * Then the same response has the same length. */
	bool is_alike;
	uint16_t line; /* length of the request line; 0: not known yet */
	union {
		struct {
			struct exchange_side request, response;
		};
		struct http2 http2; /* EXCHANGE_FRAMES */
	};
};

/* The first byte of the connection comes. What was kept is wiped. Context: any. */
void http1_record_begin(struct exchange_record *record);

/* Some bytes went by that nobody has seen, or half. Context: any. */
void http1_record_lose(struct exchange_record *record);

/* Of a record that is not EXCHANGE_FRAMES, as the next three: the server has read N bytes into IOV.
 * Context: any. */
void http1_record_received(struct exchange_record *record, const struct iovec *iov, int count,
                           size_t n);

/* The server has written N bytes of IOV. Context: any. */
void http1_record_sent(struct exchange_record *record, const struct iovec *iov, int count,
                       size_t n);

/* N bytes came or went that nobody sees, as with splice(2) and sendfile(2). They must be content.
 * Context: any. */
void http1_record_received_unseen(struct exchange_record *record, uint64_t n);
void http1_record_sent_unseen(struct exchange_record *record, uint64_t n);

/* SIDE keeps N bytes, and no more. Wipes what an earlier exchange has left behind them: a client's
 * password, say. Context: any. */
static inline void exchange_side_keep(struct exchange_side *side, size_t n)
{
	if (__builtin_expect(side->kept > n, 0))
		__builtin_memset(side->bytes + n, 0, side->kept - n);
	side->kept = (uint16_t)n;
}

/* Of a record that is EXCHANGE_BYTES: whether the next byte that is read begins an exchange, because
 * none is under way. Context: any. */
bool http1_record_is_complete(struct exchange_record *record);
static inline bool exchange_is_complete(struct exchange_record *record)
{
	if (record->turn == EXCHANGE_RESPONSE && record->response.due)
		return record->response.due == record->response.total;
	return record->turn == EXCHANGE_NOTHING || http1_record_is_complete(record);
}

/* A complete record takes the first N bytes of the next request, EXCHANGE_KEPT or fewer. Context: any. */
void http1_record_other_request(struct exchange_record *record, const void *bytes, size_t n);
/* Other targets mostly differ before the version; that is seen in few instructions. */
static inline bool exchange_has_other_target(const struct exchange_record *record,
                                             const char *bytes)
{
	const size_t at = record->line - sizeof("/12 HTTP/1.1\r\n");

	return record->line && __builtin_memcmp(record->request.bytes + at, bytes + at, 8) != 0;
}
static inline void exchange_begin_request(struct exchange_record *record, const void *bytes,
                                          size_t n)
{
	struct exchange_side *request = &record->request;

	record->turn = EXCHANGE_REQUEST;
	record->is_alike = request->due && request->kept == n &&
	                   !exchange_has_other_target(record, bytes) &&
	                   __builtin_memcmp(request->bytes, bytes, n) == 0;
	request->total = n;
	if (!record->is_alike)
		http1_record_other_request(record, bytes, n);
}

/* Of a record that is EXCHANGE_BYTES and EXCHANGE_REQUEST: whether the first N bytes of the response are
 * those of the response before, which had the same kind of request. Then exchange_repeat_response()
 * takes them. Context: any. */
static inline bool exchange_is_same_response(const struct exchange_record *record,
                                             const struct iovec *iov, int count, size_t n)
{
	const char *bytes = record->response.bytes;

	if (!record->is_alike || record->response.kept != n ||
	    record->request.due != record->request.total)
		return false;
	for (; n > 0 && count > 0; iov++, count--) {
		const struct iovec part = caller_memory_part(iov);
		const size_t length = part.iov_len < n ? part.iov_len : n;

		if (__builtin_memcmp(bytes, part.iov_base, length) != 0)
			return false;
		bytes += length;
		n -= length;
	}
	return n == 0;
}
static inline void exchange_repeat_response(struct exchange_record *record)
{
	record->turn = EXCHANGE_RESPONSE;
	record->response.total = record->response.kept;
}

/* Any other response takes its first N bytes, EXCHANGE_KEPT or fewer. Context: any. */
void http1_record_begin_response(struct exchange_record *record, const struct iovec *iov, int count,
                                 size_t n);

/* Sets *ret_http1 as if it had followed the connection from its first byte. Returns HTTP_UNKNOWN where
 * nothing has been exchanged yet, and, with *ret_http1 given up, for a record that is lost.
 * Context: any. */
enum http_state http1_record_read(const struct exchange_record *record, struct http1 *ret_http1);

#endif
