/* SPDX-License-Identifier: MIT */
/* Owns the server's own signals that come to the controller's thread. That thread takes the signals
 * that all threads of the server block, because nobody else would notice a request. But a signal of
 * the server's own must stay pending, for a sigwait or a signalfd of the server, as it would without
 * the library. So it is sent again, and the thread blocks it until the server has received it. */
#ifndef OCTOPUS_HOLD_BACK_H
#define OCTOPUS_HOLD_BACK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The calling thread is the controller's. WAKE makes it call hold_back_refresh() soon; it runs in a
 * signal handler. Context: the controller. */
void hold_back_begin(void (*wake)(void));

/* Whether the calling thread is the controller's. Context: any. */
bool hold_back_is_this_thread(void);

/* In a handler for SIG, with that handler's arguments. Returns true if the thread is the
 * controller's; the signal is held back then. Context: any. */
bool hold_back(int sig, siginfo_t *info, void *context);

/* SIG was sent to a thread of the server. While one blocks it, hold_back_refresh() returns it.
 * Context: any. */
void hold_back_note_sent(int sig);

/* Looks which of the held signals the server has received, and unblocks those. Returns the set of
 * the others. Context: the controller. */
uint64_t hold_back_refresh(void);

/* True if SIG is held back, and pending. Context: any. */
bool hold_back_holds(int sig);

/* The calling thread has taken SIG, the server's own, out of what was pending: it is pending again, for the
 * process or for this thread as INFO says. Takes 10 ms or more, at most, where the controller's thread has to
 * let go of it. Context: any. */
void hold_back_send_again(int sig, siginfo_t *info);

/* In the child of a fork, forgets the parent's. Context: any. */
void hold_back_forked(void);

#endif
