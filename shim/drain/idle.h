/* SPDX-License-Identifier: MIT */
/* Owns one decision: is a connection between two requests, so that its reading side may be shut
 * down while draining? Pure: facts in, verdict out. In doubt the connection stays, because to end
 * it in the middle of an exchange loses a request, while to leave it only costs time. */
#ifndef OCTOPUS_IDLE_H
#define OCTOPUS_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/exchange.h"
#include "http/http1.h"

#define IDLE_UNKNOWN_MS (-1)

struct idle_facts {
	enum last_io last_io;
	enum http_state http;
	bool has_unread;   /* bytes that the server has not read: ioctl SIOCINQ, tcp(7), unix(7) */
	bool has_unsent;   /* bytes that the client has not acknowledged: ioctl SIOCOUTQ */
	bool has_received; /* any bytes have ever come: tcpi_bytes_received */
	/* Ms since bytes last came and went; on a connection without any, its age. IDLE_UNKNOWN_MS
	 * if unknown. */
	int64_t received_ms;
	int64_t sent_ms;
};

/* How long a connection must have been idle, in ms: where HTTP says that all requests are answered,
 * and where only the pause shows it. */
struct idle_graces {
	int64_t http_ms;
	int64_t other_ms;
};

/* Returns 0 if the connection has been idle for long enough, else in how many ms it may be so at
 * the earliest. INT64_MAX: only a request or a response can make it idle. A response that comes in
 * pieces (a slow generator, server-sent events) seems idle between two of them, so a pause no
 * longer than the response so far does not count. Context: any. */
int64_t idle_in_ms(const struct idle_facts *facts, const struct idle_graces *graces);

#endif
