/* SPDX-License-Identifier: MIT */
/* Owns the ways in which a server waits for its signals. */
#ifndef TESTS_SERVERS_SIGNAL_WAITS_H
#define TESTS_SERVERS_SIGNAL_WAITS_H

#include <signal.h>
#include <stdbool.h>

/* What the waits need to know. */
struct signal_wait {
	int listener_fd; /* -1: none */
	int pipe_fd;     /* a handler writes a byte to the other end */
	int signal_fd;   /* -1: none */
	sigset_t set;    /* for sigwait and its like; what is unblocked meanwhile, for the others */
};

/* Waits once in the way called NAME and reports how that ended. Returns true if a signal was got
 * by it; a wait that a handler interrupted, or that an unknown reason ended, is none.
 * An unknown name ends the process with 2. */
bool signal_wait_once(const char *name, const struct signal_wait *wait);

#endif
