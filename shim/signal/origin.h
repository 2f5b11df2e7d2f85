/* SPDX-License-Identifier: MIT */
/* Owns the question where a signal comes from. It is a request to Octopus only if it comes from
 * outside the server: from another process, the terminal or the kernel's hang-up. What a process
 * sends to itself, to one of its threads or to its leader is the server's own affair. */
#ifndef OCTOPUS_ORIGIN_H
#define OCTOPUS_ORIGIN_H

#include <signal.h>
#include <stdbool.h>

/* True if the signal that INFO describes is the server's own: sent by a process of this generation,
 * by tgkill(2), or by a timer, a message queue or asynchronous I/O that the server has set up
 * (sigaction(2), "The siginfo_t argument"). Context: any. */
bool origin_is_own(const siginfo_t *info);

#endif
