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

/* For a wait that the kernel does not restart, in the place of a call that it does: returns true if
 * the wait must have *RET_MASK, with which no handler with SA_RESTART cuts it short. Such a handler runs
 * after it. Returns false where all handlers have SA_RESTART: then EINTR is no reason to stop.
 * Context: any. */
bool restart_mask(uint64_t *ret_mask);

#define RESTART_FOREVER (-1)

/* A call with a time limit. */
struct restart {
	int64_t limit_ns; /* RESTART_FOREVER: none */
	int64_t begun_ns; /* 0: not measured */
	bool has_mask;    /* one of the server's own, which no signal slips past */
	int error;        /* errno before the call */
};

/* The limit is the server's timespec. The kernel may refuse it, so nobody reads it before the kernel
 * has. */
#define RESTART_BY_TIMESPEC INT64_MAX

/* Converts the limit of a call to ns; RESTART_FOREVER if it has none. Context: any. */
int64_t restart_from_ms(int ms);

/* Notes that a call with this limit begins. It reads the coarse clock, but only if there is a limit,
 * and a signal is taken or another generation may accept on the listeners. Context: any. */
struct restart restart_begin(int64_t limit_ns, bool has_mask);

/* True if the failed call should be repeated, with the rest of its limit. What the library itself has
 * interrupted is repeated although the server may expect interrupts (PHP has a handler for SIGPROF): a
 * signal of the server's own in the same moment could also have come before the call. With a mask it could
 * not, and then the call fails. Context: any. */
bool restart_goes_on(const struct restart *restart);

/* True if the call, which has returned with nothing, is to go on for the rest of its limit. LIMIT is
 * the server's for RESTART_BY_TIMESPEC. False if the time was not measured. Context: any. */
bool restart_has_time(const struct restart *restart, const struct timespec *limit);

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
