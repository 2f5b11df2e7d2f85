/* SPDX-License-Identifier: MIT */
/* Owns everything of the library that runs in a signal handler, and nothing else: a handler passes a signal on to the
 * sink, or does what the server's own disposition would have done. */
#ifndef OCTOPUS_HANDLERS_H
#define OCTOPUS_HANDLERS_H

#include <signal.h>

/* Where a signal of the leader's goes: called in the handler. Context: any. */
typedef void (*disposition_sink)(int sig, const siginfo_t *info);
void handlers_use_sink(disposition_sink sink);

/* Passes SIG on as a handler would. Context: any. */
void handlers_pass_to_sink(int sig, const siginfo_t *info);

/* Instead of dying by a signal, a drained server leaves by LEAVE, which does not return. Context: any. */
void handlers_leave_by(void (*leave)(void));

/* Puts a handler in force for SIG:
 * - _install: the leader's, which asks the sink;
 * - _install_shield: a worker's, which leaves a Ctrl-C to the leader. It has the flags of the handler behind it;
 * - _install_leave: the server has none of its own, and the default would be its death: it leaves;
 * - _install_last: the server's own, for good; if it is to run once (SA_RESETHAND), what follows is _install_leave.
 * Context: any. */
void handlers_install(int sig);
void handlers_install_shield(int sig);
void handlers_install_leave(int sig);
void handlers_install_last(int sig);

#endif
