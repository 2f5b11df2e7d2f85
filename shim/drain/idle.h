/* SPDX-License-Identifier: MIT */
/* Owns one decision: is a connection between two requests, so that a server that drains may be told that its
 * client has no more to say? Pure: facts in, verdict out. In doubt the connection stays: ending one on which
 * something is owed loses a request, leaving an idle one costs time only. */
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
	bool has_unsent;   /* bytes that the client has not got: ioctl SIOCOUTQ */
	bool has_received; /* any bytes ever came: tcpi_bytes_received */
	/* How long ago bytes came and went the last time, in ms; of a connection on which none did, its
	 * age. IDLE_UNKNOWN_MS where nobody knows. */
	int64_t received_ms;
	int64_t sent_ms;
};

/* How long a connection is to have been idle, in ms: where HTTP tells that all is answered, and where only the
 * silence does. */
struct idle_graces {
	int64_t http_ms;
	int64_t other_ms;
};

/* Returns 0 if the connection is idle, and has been for long enough; else in how many ms it may be at the
 * earliest, INT64_MAX if only a request or response can make it so. A response that comes in pieces (a slow
 * generator, server-sent events) looks idle between two of them: a pause that is no longer than the
 * response has taken so far is taken for one. Context: any. */
int64_t idle_in_ms(const struct idle_facts *facts, const struct idle_graces *graces);

#endif
