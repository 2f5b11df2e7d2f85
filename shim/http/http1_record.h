/* SPDX-License-Identifier: MIT */
/* Owns the record of one connection's last exchange, and its reading as HTTP/1.x. Pure.
 *
 * It must never take the middle of a message for its beginning: then a client could make the library
 * change the content of a response. So an exchange begins at a boundary that is proved, from the
 * first byte of the connection on. The bytes of an ordinary exchange are kept, and nobody reads them
 * but for their length (http1_length.h). When the next exchange begins, this one must be complete:
 * the request read, and the response written in full. Of a longer or unusual one the state is kept
 * (http1.h) and no bytes. Where that is lost, the record says nothing any more. */
#ifndef OCTOPUS_HTTP1_RECORD_H
#define OCTOPUS_HTTP1_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "http/http1.h"

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
	EXCHANGE_LOST,      /* not HTTP/1.x, or some bytes are not known */
	EXCHANGE_LOST_HTTP, /* the same, after a request that was HTTP/1.x */
};

/* All zero: a connection of which nothing has been read or written. */
struct exchange_record {
	uint8_t turn; /* enum exchange_turn: the side that is under way */
	uint8_t form; /* enum exchange_form */
	struct exchange_side request, response;
};

/* The first byte of the connection comes. What was kept is wiped. Context: any. */
void http1_record_begin(struct exchange_record *record);

/* Some bytes went by that nobody has seen, or half. Context: any. */
void http1_record_lose(struct exchange_record *record);

/* The server has read N bytes into IOV. Context: any. */
void http1_record_received(struct exchange_record *record, const struct iovec *iov, int count,
                           size_t n);

/* The server has written N bytes of IOV. Context: any. */
void http1_record_sent(struct exchange_record *record, const struct iovec *iov, int count,
                       size_t n);

/* N bytes came or went that nobody sees, as with splice(2) and sendfile(2). They must be content.
 * Context: any. */
void http1_record_received_unseen(struct exchange_record *record, uint64_t n);
void http1_record_sent_unseen(struct exchange_record *record, uint64_t n);

/* Of a record that is EXCHANGE_BYTES and EXCHANGE_RESPONSE: true if it holds one ordinary exchange,
 * which is complete. The next byte that is read then begins another one. Context: any. */
bool http1_record_is_complete(struct exchange_record *record);

/* SIDE keeps N bytes, and no more. Wipes what an earlier exchange has left behind them: a client's
 * password, say. Context: any. */
static inline void exchange_side_keep(struct exchange_side *side, size_t n)
{
	if (__builtin_expect(side->kept > n, 0))
		__builtin_memset(side->bytes + n, 0, side->kept - n);
	side->kept = (uint16_t)n;
}

/* Whether SIDE is a complete message, and the N bytes are the same one. Context: any. */
static inline bool exchange_side_is(const struct exchange_side *side, const void *bytes, size_t n)
{
	return side->due == n && side->kept == n && __builtin_memcmp(side->bytes, bytes, n) == 0;
}

/* Sets *ret_http1 as if it had followed the connection from its first byte. Returns HTTP_UNKNOWN where
 * nothing has been exchanged yet, and, with *ret_http1 given up, for a record that is lost.
 * Context: any. */
enum http_state http1_record_read(const struct exchange_record *record, struct http1 *ret_http1);

#endif
