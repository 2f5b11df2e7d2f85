/* SPDX-License-Identifier: MIT */
/* Owns how the leader begins the drain, sends the server its own stop signal, and kills a server
 * that does not stop. */
#ifndef OCTOPUS_ENDING_H
#define OCTOPUS_ENDING_H

#include <stdbool.h>

/* Begins the drain, and sets its deadline. Context: the controller. */
void ending_drain(void);

/* Sends the server its own stop signal, for the server's handler, sigwait or signalfd. A server
 * that this signal would only kill has been drained, and exits with status 0 instead.
 * Context: the controller. */
void ending_stop_server(void);

/* A branch that its master has conducted (branch.h) waits, drained, for the server's own stop: does not wait
 * any longer. Context: the controller. */
void ending_stop_held(void);

/* True if the server stops, and no other generation is to answer for it: it has got its stop signal, or
 * the drain has no successor. Context: any. */
bool ending_has_begun(void);

/* Kills the server and its workers, because it did not stop in time. Context: the controller. */
void ending_kill_server(void);

/* The process is about to exit: gives the pid file and the generation up. Context: any. */
void ending_on_exit(void);

#endif
