/* SPDX-License-Identifier: MIT */
/* The controller: one small thread in a process that listens, asleep in a futex until a signal comes
 * or the generation changes. Everything that takes time happens there, so that a handler only
 * records and the server's own threads run on. */
#ifndef OCTOPUS_CONTROLLER_H
#define OCTOPUS_CONTROLLER_H

#include <signal.h>
#include <stdbool.h>

/* Starts it in the leader. Returns 0 or -errno. Context: normal. */
int controller_start(void);

/* Starts it in a forked child that waits for connections, or leads a daemon. A failure is logged: the
 * worker then goes on accepting until its master stops it. Context: normal. */
void controller_attach(void);

/* A signal for the server has come to the leader: records it and wakes the controller. Any origin but
 * the terminal (SI_KERNEL) is treated alike. Context: any. */
void controller_note_signal(int sig, const siginfo_t *info);

/* Wakes the controllers of this generation. Context: any. */
void controller_wake(void);

/* The process is about to exit. Context: any. */
void controller_on_exit(void);

/* In the child of a fork, where the thread does not exist. Context: any. */
void controller_forked(void);

/* True while the thread is awake, or an upgrade or a drain is under way: they have descriptors open that the
 * server does not know of. Context: any. */
bool controller_is_at_work(void);

#endif
