/* SPDX-License-Identifier: MIT */
/* Owns the library's signal handlers. A handler passes the signal to the sink, does what the
 * server's own disposition would have done, or ends a drained server. */
#ifndef OCTOPUS_HANDLERS_H
#define OCTOPUS_HANDLERS_H

#include <signal.h>
#include <stdbool.h>

/* Sets the sink: the function that gets each signal that comes to the leader. It runs in a signal
 * handler, and returns false if the server's own disposition must take effect after all.
 * Context: any. */
typedef bool (*disposition_sink)(int sig, const siginfo_t *info);
void handlers_use_sink(disposition_sink sink);

/* Passes SIG to the sink, as a handler does, and returns the result. Context: any. */
bool handlers_pass_to_sink(int sig, const siginfo_t *info);

/* Sets LEAVE, which ends a drained server where a signal would have killed it. LEAVE does not
 * return. Context: any. */
void handlers_leave_by(void (*leave)(void));

/* HOLD is asked about each signal that comes to a shield: if it returns true, it has the signal. NULL:
 * nobody is asked. Context: any. */
void handlers_hold_by(bool (*hold)(int sig, siginfo_t *info));

/* Whether SIG has come to a thread of the server's, which blocks it while the handler runs.
 * Context: any. */
bool handlers_reached_server(int sig);

/* Puts a handler in force for SIG:
 * - _install: the leader's, which calls the sink;
 * - _install_shield: a worker's, which leaves a Ctrl-C to the leader, asks HOLD, and has the
 *   flags of the server's handler. If the server ignores SIG, SIG stays ignored;
 * - _install_leave: calls LEAVE, since the server has no handler and the default would kill it;
 * - _install_last: the server's own, for good. If that has SA_RESETHAND, _install_leave follows it.
 *   If the server has none, and so waits for SIG or only seemed to, it is _install_leave's.
 * Context: any. */
void handlers_install(int sig);
void handlers_install_shield(int sig);
void handlers_install_leave(int sig);
void handlers_install_last(int sig);

#endif
