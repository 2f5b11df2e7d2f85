/* SPDX-License-Identifier: MIT */
/* Owns how the leader leaves: the drain begins, the server gets its own stop signal, or is killed. */
#ifndef OCTOPUS_ENDING_H
#define OCTOPUS_ENDING_H

/* Begins the drain, and sets its deadline. Context: the controller. */
void ending_drain(void);

/* Hands the server its own stop signal, as if it had just been sent: by the server's handler, sigwait or signalfd. A
 * server that would only be killed by it has been drained, and exits 0 instead. Context: the controller. */
void ending_stop_server(void);

/* Kills the server, which did not stop in time, with its workers. Context: the controller. */
void ending_kill_server(void);

/* The process exits. Context: any. */
void ending_on_exit(void);

#endif
