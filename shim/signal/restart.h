/* SPDX-License-Identifier: MIT */
/* Owns the restart of calls that only our signals interrupt. A server without handlers of its own
 * need not know EINTR, but the kernel never restarts poll, epoll and select after a handler
 * (signal(7)). For such a server the wrapper repeats the call with the rest of its time limit. */
#ifndef OCTOPUS_RESTART_H
#define OCTOPUS_RESTART_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* True if the failed call should be repeated: it failed with EINTR, a signal is taken, no handler of
 * the server's has run, and the server does not expect to be interrupted. Reads errno.
 * Context: any, once for a failed call. */
bool restart_is_due(void);

#define RESTART_FOREVER (-1)

/* A call with a time limit. */
struct restart {
	int64_t limit_ns; /* RESTART_FOREVER: none */
	int64_t begun_ns; /* 0: not measured */
};

/* Convert the limit of a call to ns; RESTART_FOREVER if it has none. Context: any. */
int64_t restart_from_ms(int ms);
int64_t restart_from_timespec(const struct timespec *limit);

/* Notes that a call with this limit begins. It reads the coarse clock, but only if there is a limit
 * and a signal is taken. Context: any. */
struct restart restart_begin(int64_t limit_ns);

/* True if the failed call should be repeated, with the rest of its limit. Context: any. */
bool restart_goes_on(const struct restart *restart);

/* Return the rest of the limit, in ns, or in ms and rounded up. It is 0 if none is left, and
 * negative for a call without limit. Context: any. */
int64_t restart_rest_ns(const struct restart *restart);
int restart_rest_ms(const struct restart *restart);

/* Returns LIMIT_NS less PASSED_NS, or 0 if nothing is left. Context: any. */
int64_t restart_rest(int64_t limit_ns, int64_t passed_ns);

#endif
