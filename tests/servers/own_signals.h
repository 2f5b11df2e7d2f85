/* SPDX-License-Identifier: MIT */
/* Owns the ways in which a process sends a signal to itself. */
#ifndef TESTS_SERVERS_OWN_SIGNALS_H
#define TESTS_SERVERS_OWN_SIGNALS_H

/* ARGUMENT is "WAY:SIG": raise and itself at once; kill, group, queue, tkill and timer from a thread, once
 * the main thread sleeps in a system call. An unknown word ends the process with 2. */
void own_signal_send(char *argument);

#endif
