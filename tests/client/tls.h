/* SPDX-License-Identifier: MIT */
/* Owns the TLS side of connections; certificates are not verified. */
#ifndef TESTS_CLIENT_TLS_H
#define TESTS_CLIENT_TLS_H

#include "outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Returns the TLS state for the connected non-blocking socket FD, or NULL. */
void *tls_new(int fd);

/* Moves bytes once, after a handshake where one is due. Returns their count, 0 at the end, or -1
 * with *RET_EVENTS to be waited for, or with *RET_EVENTS 0 and *RET_OUTCOME set. */
ssize_t tls_move(void *tls, bool is_write, void *data, size_t len, short *ret_events,
                 enum outcome *ret_outcome);

/* Looks, without waiting, whether the peer has ended the connection: OUTCOME_EOF, or OUTCOME_OK
 * while it has not. What else comes on an idle connection, such as session tickets, is taken in. */
enum outcome tls_check_open(void *tls);

void tls_free(void *tls);

#endif
