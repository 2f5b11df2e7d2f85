/* SPDX-License-Identifier: MIT */
/* Owns what accept() does on a quiet listener (quiet_listener.h): it sleeps, fails or ends as it would
 * on the listener that was replaced. */
#ifndef OCTOPUS_QUIET_ACCEPT_H
#define OCTOPUS_QUIET_ACCEPT_H

#include <stdbool.h>

struct quiet_accept {
	bool has_failed;   /* with EINVAL, or without a descriptor */
	bool may_wait;     /* it was under way on the listener itself, and may have slept there */
	bool may_time_out; /* it has a time limit (SO_RCVTIMEO), and sleeps */
};

/* The server is about to call accept() on FD. Returns false, with errno, if the call would sleep but
 * must not: a thread that polls has other things to do. Context: any, once the process has stopped
 * accepting. */
bool quiet_accept_begin(int fd, struct quiet_accept *call);

/* accept() on FD has failed. Returns true if the call is to be made again, as the one of a blocking
 * listener that had none but the quiet one to wait for; may sleep before. Else errno is what the
 * server gets, after quiet_accept_error(). Context: any, once the process has stopped accepting, and
 * not within accept_calls_enter(). */
bool quiet_accept_goes_on(int fd, struct quiet_accept *call);

/* accept() on FD has failed for good. If FD is in the table and errno tells of the replacement, sets
 * errno as accept(2) on the replaced listener would: EAGAIN, or ECONNABORTED where that blocked, an
 * error that accept(2) lists as one to retry. Context: any. */
void quiet_accept_error(int fd, const struct quiet_accept *call);

#endif
