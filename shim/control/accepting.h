/* SPDX-License-Identifier: MIT */
/* Owns the policy around the accept() of the server: when it must not sleep, when it is to try again, what its end means. */
#ifndef OCTOPUS_ACCEPTING_H
#define OCTOPUS_ACCEPTING_H

#include <stdbool.h>

struct accepting {
	int fd; /* the listener */
	bool was_tried;
};

/* The server calls accept() on FD. Returns false, with errno, if the call is over already; else accepting_end() is due.
 * Context: the server's threads. */
bool accepting_begin(struct accepting *ret_accepting, int fd);

/* After the real call failed: true if it is to be made again. Context: the server's threads. */
bool accepting_goes_on(struct accepting *accepting);

/* RESULT is that of the real call, and the wrapper's. Leaves errno as the kernel set it, unless the listener is a quiet
 * one. Context: the server's threads. */
int accepting_end(const struct accepting *accepting, int result);

#endif
