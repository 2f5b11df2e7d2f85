/* SPDX-License-Identifier: MIT */
/* Owns the policy around the server's accept(): when it must not sleep, when the wrapper repeats
 * it, and what its result means. */
#ifndef OCTOPUS_ACCEPTING_H
#define OCTOPUS_ACCEPTING_H

#include <stdbool.h>
#include <sys/socket.h>

#include "drain/quiet_accept.h"

struct accepting {
	int fd; /* the listener */
	struct sockaddr *address;
	socklen_t *length;
	int flags; /* of accept4(2) */
	bool was_tried;
	bool has_vanished; /* what the kernel has returned is nothing for the server */
	struct quiet_accept quiet;
};

/* The server calls accept4(), or accept() with FLAGS 0. accepting_end() is due.
 * Context: the server's threads. */
void accepting_begin(struct accepting *ret_accepting, int fd, struct sockaddr *address,
                     socklen_t *length, int flags);

/* Returns false, with errno, if the kernel must not be asked: the call has failed then.
 * Context: the server's threads. */
bool accepting_may_ask(struct accepting *accepting);

/* The real call has returned RESULT. Returns what the server is to get instead: the same, but where the
 * process has connected to itself (own_connection.h). Context: the server's threads. */
int accepting_result(struct accepting *accepting, int result);

/* The call has failed. Returns true if the wrapper must repeat it.
 * Context: the server's threads. */
bool accepting_goes_on(struct accepting *accepting);

/* Returns RESULT, the real call's; the server owns that descriptor. Leaves errno as the kernel set
 * it, except on a quiet listener or an unblocked one. Context: the server's threads. */
int accepting_end(const struct accepting *accepting, int result);

#endif
