/* SPDX-License-Identifier: MIT */
/* Dispositions: whose signal it is. A signal that OCTOPUS_SIGNALS maps is ours from the moment the
 * process listens (in a successor: from its first instruction); what the server sets for it, before
 * or after, is remembered and read back to it, and put in force when the drain is over. In a forked
 * child the server's own dispositions are in force at once, but for a Ctrl-C, which hits the whole
 * group and is the leader's to conduct. */
#ifndef OCTOPUS_DISPOSITIONS_H
#define OCTOPUS_DISPOSITIONS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "signal/handlers.h"

/* Takes the mapped signals over from the server; what is in force now becomes the server's.
 * Context: normal, or the constructor. */
void dispositions_take(disposition_sink sink);

/* Puts the server's own dispositions in force. In the child of a fork SHIELD is true: a Ctrl-C stays the
 * leader's. Context: any. */
void dispositions_give_back(bool shield);

/* Puts the server's own disposition of SIG in force for good, here and in its signalfds. Where that
 * would end in death by SIG after all (a handler that cleans up and raises it anew, with the default
 * in force again, as node's does), LEAVE is called instead, in a handler; it does not return.
 * Context: any. */
void dispositions_release(int sig, void (*leave)(void));

/* True if the server has a way of its own to hear SIG: a handler, a sigwait, a signalfd.
 * Context: any. */
bool dispositions_has_own_way(int sig);

/* True if the server ignores SIG, which is taken. Context: any. */
bool dispositions_is_ignored(int sig);

/* True while SIG is taken from the server. Context: any. */
bool dispositions_is_taken(int sig);

/* The set of taken signals, bit N-1 for signal N. Context: any. */
uint64_t dispositions_taken(void);

/* True if the server may rely on EINTR: it has a handler for a signal that is not ours. When it has
 * none, our signals must not make its calls fail. Context: any. */
bool dispositions_expects_interrupts(void);

/* sigaction(2) for the server: the wrapper's policy. -1 and errno. Context: any. */
int dispositions_set(int sig, const struct sigaction *action, struct sigaction *ret_old);

/* A signal that sigwait or a handler of ours got for the server. True if it was ours and has been
 * passed on to the sink. Context: any. */
bool dispositions_intercept(int sig, const siginfo_t *info);

/* Notes that a thread waits for SET by sigwait. Context: any. */
void dispositions_note_wait(const sigset_t *set);

/* signalfd(2) for the server. -1 and errno. Context: any. */
int dispositions_signalfd(int fd, const sigset_t *mask, int flags);

/* A child that is about to exec keeps what it would keep without us: a signal that the server
 * ignores stays ignored (execve(2)). Returns the set it changed, for _undo. Context: any. */
uint64_t dispositions_prepare_exec(void);
void dispositions_undo_exec(uint64_t changed);

#endif
