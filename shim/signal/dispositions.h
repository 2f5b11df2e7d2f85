/* SPDX-License-Identifier: MIT */
/* Owns the decision who gets a signal, Octopus or the server. Octopus takes a signal that
 * OCTOPUS_SIGNALS maps when the process first listens; a successor takes it in its constructor.
 * Octopus remembers what the server sets for the signal, before or after, returns it when the
 * server asks, and puts it in force when the drain is over. In a forked child the server's own
 * dispositions are in force at once. Only a Ctrl-C, which the kernel sends to the whole process
 * group, stays the leader's. */
#ifndef OCTOPUS_DISPOSITIONS_H
#define OCTOPUS_DISPOSITIONS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "signal/handlers.h"

/* Takes the mapped signals from the server, and remembers the dispositions in force as the
 * server's. SINK gets each signal that comes to the leader. Context: normal, or the constructor. */
void dispositions_take(disposition_sink sink);

/* Puts the server's own dispositions in force. SHIELD is true in the child of a fork: a Ctrl-C
 * stays the leader's, and so may a stop from outside (handlers_hold_by()). Context: any. */
void dispositions_give_back(bool shield);

/* The server has sent SIG to one of its threads. Returns true if dispositions_refresh_held() has to
 * look at it soon. Context: any. */
bool dispositions_note_sent(int sig);

/* Lets the server receive the signals of its own that came to the controller's thread, or that a
 * thread blocks for a signalfd (hold_back.h). Returns true if it has not received all of them yet.
 * Context: the controller. */
bool dispositions_refresh_held(void);

/* Puts the server's own disposition of SIG in force for good, here and in its signalfds. Some
 * handlers clean up, restore the default and raise SIG again (node's does). Where the server would
 * die by SIG, a handler of ours calls LEAVE instead, which does not return. Context: any. */
void dispositions_release(int sig, void (*leave)(void));

/* True if the server itself can receive SIG: by a handler, a sigwait or a signalfd.
 * Context: any. */
bool dispositions_has_own_way(int sig);

/* True if the server ignores SIG, which must be a taken signal. Context: any. */
bool dispositions_is_ignored(int sig);

/* True while Octopus has taken SIG from the server. Context: any. */
bool dispositions_is_taken(int sig);

/* Returns the set of taken signals, bit N-1 for signal N. Context: any. */
uint64_t dispositions_taken(void);

/* True if the server may rely on EINTR, because it has a handler for a signal that is not ours.
 * Otherwise our signals must not make its calls fail. Context: any. */
bool dispositions_expects_interrupts(void);

/* Sets the server's disposition, as sigaction(2) does. Returns 0, or -1 and errno. Context: any. */
int dispositions_set(int sig, const struct sigaction *action, struct sigaction *ret_old);

/* Passes SIG, which a sigwait of the server has received, to the sink if it is taken and this
 * process is the leader. Returns true if it did; the server must not see the signal then.
 * Context: any. */
bool dispositions_intercept(int sig, const siginfo_t *info);

/* Does the same with each signal of PENDING, which sigpending(2) has just found in this thread, and
 * takes those that the sink has out of it. The others are pending as before. Keeps errno.
 * Context: any. */
void dispositions_intercept_pending(sigset_t *pending);

/* Notes that a thread of the server waits for SET by sigwait. Context: any. */
void dispositions_note_wait(const sigset_t *set);

/* Makes or changes a signalfd of the server, as signalfd(2) does. The server owns the descriptor.
 * Returns it, or -1 and errno. Context: any. */
int dispositions_signalfd(int fd, const sigset_t *mask, int flags);

/* Prepare a child for an exec, and undo that if the exec fails. A signal that the server ignores
 * stays ignored in the new program (execve(2)), although our handler was in force. The first
 * returns the set of signals that it changed, for the second. Context: any. */
uint64_t dispositions_prepare_exec(void);
void dispositions_undo_exec(uint64_t changed);

#endif
