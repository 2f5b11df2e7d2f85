/* SPDX-License-Identifier: MIT */
/* Owns the restart of calls that only our signals cut. A server without handlers of its own need not know EINTR, and
 * poll, epoll and select are never restarted by the kernel after a handler (signal(7)): for such a server the call
 * goes on, for the rest of its time. */
#ifndef OCTOPUS_RESTART_H
#define OCTOPUS_RESTART_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* After a call that failed: true if it did with EINTR, and only because one of our signals reached a server that
 * does not expect to be interrupted. The call is then to be made again. Context: any. */
bool restart_is_due(void);

#define RESTART_FOREVER (-1)

/* A call with a time limit. */
struct restart {
	int64_t limit_ns; /* RESTART_FOREVER: none */
	int64_t begun_ns; /* 0: not measured */
};

/* The limits of the calls, in ns; RESTART_FOREVER for none. Context: any. */
int64_t restart_from_ms(int ms);
int64_t restart_from_timespec(const struct timespec *limit);

/* A call with this limit begins. The coarse clock is read, and only while a signal is ours. Context: any. */
struct restart restart_begin(int64_t limit_ns);

/* After the call failed: true if it is to be made again, for the rest. Context: any. */
bool restart_goes_on(const struct restart *restart);

/* What is left of the limit, in ns, or in ms and rounded up; 0 when nothing is, negative for a call without limit.
 * Context: any. */
int64_t restart_rest_ns(const struct restart *restart);
int restart_rest_ms(const struct restart *restart);

/* What is left of LIMIT_NS after PASSED_NS, 0 when nothing is. Context: any. */
int64_t restart_rest(int64_t limit_ns, int64_t passed_ns);

#endif
