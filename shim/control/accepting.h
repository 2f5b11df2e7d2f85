/* SPDX-License-Identifier: MIT */
/* Owns the policy around the server's accept(): when it must not sleep, when the wrapper repeats
 * it, and what its result means. */
#ifndef OCTOPUS_ACCEPTING_H
#define OCTOPUS_ACCEPTING_H

#include <stdbool.h>
#include <sys/socket.h>

#include "control/first_wait.h"
#include "control/fork.h"
#include "control/kept.h"
#include "control/reports.h"
#include "drain/accept_calls.h"
#include "drain/quiet_accept.h"
#include "drain/quiet_listener.h"
#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "http/exchange.h"
#include "kernel/sandbox.h"

/* True if this thread does not rely on accept() not to wait, or the leader has been told that some
 * thread does. Context: the server's threads. */
static inline bool accepting_polls_are_noted(void)
{
	return atomic_load_explicit(&news_page, memory_order_relaxed) &&
	       (!quiet_listener_thread_was_told() || membership_said(HINT_POLLS));
}

/* The server gets the connection FD. Its record begins while the call is still under way: the
 * controller must not see what was recorded of the number's last connection. Context: the server's
 * threads. */
static inline void accepting_take(int fd)
{
	exchange_begin_anew(fd, EXCHANGE_ACCEPTED);
	accept_calls_leave();
	fork_note_accept();
}

/* The usual accept(): the process has nothing to find out, shares no listener and goes on accepting. It
 * needs few instructions. accepting_begin_usual() returns false for another one. Then nothing has begun.
 * Context: the server's threads. */
static inline bool accepting_begin_usual(int fd)
{
#ifdef OCTOPUS_FAILPOINTS
	return false;
#endif
	reports_note_accept(fd);
	if (kept_any() || first_wait_is_watched() || sandbox_is_tight() || generation_may_share() ||
	    !accepting_polls_are_noted() || !accept_calls_enter_again())
		return false;
	if (!stop_accepting_has_begun())
		return true;
	accept_calls_leave();
	return false;
}

/* The real call has returned RESULT. Returns true if the wrapper returns just that. Else
 * accepting_describe() is due, and the call is one like any other. Context: the server's threads. */
static inline bool accepting_end_usual(int result)
{
	if (__builtin_expect(result < 0, 0) || stop_accepting_has_begun())
		return false;
	accepting_take(result);
	return true;
}

struct accepting {
	int fd; /* the listener */
	struct sockaddr *address;
	socklen_t *length;
	int flags; /* of accept4(2) */
	bool was_tried;
	bool was_alone;    /* nobody shared the listener at the last look */
	int64_t end_ms;    /* of its time limit; 0: not known yet, negative: there is none */
	bool has_vanished; /* what the kernel has returned is nothing for the server */
	struct quiet_accept quiet;
};

/* Context: the server's threads. */
void accepting_describe(struct accepting *ret_accepting, int fd, struct sockaddr *address,
                        socklen_t *length, int flags);

/* The server calls accept4(), or accept() with FLAGS 0. accepting_end() is due.
 * Context: the server's threads. */
void accepting_begin(struct accepting *ret_accepting, int fd, struct sockaddr *address,
                     socklen_t *length, int flags);

/* Returns false if the kernel must not be asked: *RET_RESULT is the call's result then, a connection that
 * was kept for the server, or -1 with errno. Context: the server's threads. */
bool accepting_may_ask(struct accepting *accepting, int *ret_result);

/* The real call has returned RESULT. Returns what the server is to get instead: the same, but where the
 * process has connected to itself (own_connection.h). Context: the server's threads. */
int accepting_result(struct accepting *accepting, int result);

/* The call has failed. Returns true if the wrapper must repeat it.
 * Context: the server's threads. */
bool accepting_goes_on(struct accepting *accepting);

/* Returns RESULT, the real call's; the server owns that descriptor. Leaves errno as the kernel set
 * it, except on a quiet listener. Context: the server's threads. */
int accepting_end(const struct accepting *accepting, int result);

#endif
