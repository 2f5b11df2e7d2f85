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
	int error;        /* errno before the call */
};

/* The limit is the server's timespec. The kernel may refuse it, so nobody reads it before the kernel
 * has. */
#define RESTART_BY_TIMESPEC INT64_MAX

/* Converts the limit of a call to ns; RESTART_FOREVER if it has none. Context: any. */
int64_t restart_from_ms(int ms);

/* Notes that a call with this limit begins. It reads the coarse clock, but only if there is a limit
 * and a signal is taken. Context: any. */
struct restart restart_begin(int64_t limit_ns);

/* True if the failed call should be repeated, with the rest of its limit. Context: any. */
bool restart_goes_on(const struct restart *restart);

/* Returns the rest of the limit in ms, rounded up. It is 0 if none is left, and negative for a call
 * without limit. Context: any. */
int restart_rest_ms(const struct restart *restart);

/* The same for RESTART_BY_TIMESPEC. Returns RET_REST, or LIMIT where that is NULL, or so long that it
 * needs no measuring. Context: any. */
const struct timespec *restart_rest(const struct restart *restart, const struct timespec *limit,
                                    struct timespec *ret_rest);

/* Returns what is left of LIMIT when PASSED_NS have passed, as restart_rest() does. The kernel has
 * read LIMIT. Context: any. */
const struct timespec *restart_rest_of(const struct timespec *limit, int64_t passed_ns,
                                       struct timespec *ret_rest);

#endif
