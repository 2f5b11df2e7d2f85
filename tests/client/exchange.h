/* SPDX-License-Identifier: MIT */
/* Owns one request and its answer, in the protocol of the target. */
#ifndef TESTS_CLIENT_EXCHANGE_H
#define TESTS_CLIENT_EXCHANGE_H

#include "outcome.h"
#include "stream.h"
#include "target.h"

#include <stdbool.h>

/* Who answered. */
struct answer {
	char version[48];
	long pid;
	bool is_kept; /* the server leaves the connection open */
};

/* Sends the request of TARGET. */
enum outcome exchange_send(struct stream *stream, const struct target *target);

/* Reads the answer to the end, and on a connection that is not kept the end of that too. */
enum outcome exchange_receive(struct stream *stream, const struct target *target,
                              struct answer *ret_answer);

/* The answers of each protocol; they leave the end of the connection alone. */
enum outcome http_answer_read(struct stream *stream, const struct target *target,
                              struct answer *ret_answer);
enum outcome redis_answer_read(struct stream *stream, const struct target *target,
                               struct answer *ret_answer);
enum outcome memcached_answer_read(struct stream *stream, const struct target *target,
                                   struct answer *ret_answer);

/* Sets the version, with what would break our line-wise output made harmless. */
void answer_set_version(struct answer *answer, const char *version);

#endif
