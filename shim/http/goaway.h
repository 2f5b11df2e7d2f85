/* SPDX-License-Identifier: MIT */
/* Owns the GOAWAY that goes out between two frames of a server that drains (RFC 9113 §6.8): once on each
 * connection, and not where the server has sent one by itself. The client then begins no more streams there.
 * It names the highest stream that there can be, so that what is on its way is served. Pure. */
#ifndef OCTOPUS_GOAWAY_H
#define OCTOPUS_GOAWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "http/edits.h"
#include "http/http2.h"

/* All zero: a connection that does not speak HTTP/2. */
struct goaway {
	bool is_on;           /* it does, and it is known where its frames begin */
	bool is_said;         /* nothing is left to say */
	uint8_t partly;       /* so many bytes of ours are out */
	struct http2_way out; /* what the server has written */
};

/* Begins with what is known of the connection. What was said before on it stays said. Context: any. */
void goaway_begin(struct goaway *goaway, const struct http2 *http2);

/* Plans the frame into what the server wants to write (http1_plan()). Without MAY_BEGIN this only
 * finishes one that is partly out. Context: any. */
void goaway_plan(const struct goaway *goaway, const struct iovec *iov, int count, bool may_begin,
                 struct edits *ret_edits);

/* The kernel took TAKEN of the edited bytes. Returns how many of them are the server's. Context: any. */
size_t goaway_wrote(struct goaway *goaway, const struct iovec *iov, int count,
                    const struct edits *edits, size_t taken);

/* N bytes of the server's went out by another call. Context: any. */
void goaway_sent_unseen(struct goaway *goaway, uint64_t n);

/* What is left to say of it, if it may go out now, before the server's next byte; else a part without a byte.
 * goaway_has_said() tells that N bytes of it are out. Context: any. */
struct iovec goaway_rest(const struct goaway *goaway);
void goaway_has_said(struct goaway *goaway, size_t n);

#endif
