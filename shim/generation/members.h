/* SPDX-License-Identifier: MIT */
/* Owns what the leader asks about the processes of its generation, and whom it signals.
 *
 * Whom it signals the kernel decides, not a hint: a process that waitid(2) or /proc names as its
 * child, or as a child's descendant, at the moment of the signal. A hint can only keep a process out
 * of it, and only one of its own family. */
#ifndef OCTOPUS_MEMBERS_H
#define OCTOPUS_MEMBERS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "generation/hints.h"

/* True if a process of the generation says FLAG, or this process itself. Context: any. */
bool members_say(enum hint_flag flag);

/* True if a process other than this one does. Context: any. */
bool members_others_say(enum hint_flag flag);

/* True if no worker may still accept. Context: the controller. */
bool members_have_stopped_accepting(void);

/* True if a process other than the leader has connections left. Context: the controller. */
bool members_have_connections(void);

/* Adds the connections of all processes but the leader. Context: the controller. */
void members_add_connections(uint32_t *connections, uint32_t *idle);

/* Calls VISIT with clients that the processes name, until it returns false.
 * Context: the controller. */
void members_each_peer(bool (*visit)(const struct hint_peer *peer, void *context), void *context);

/* True if PID is the leader of this generation, or in the leader a process that belongs to it.
 * Context: any. */
bool members_include(pid_t pid);

/* Sends SIG to the processes of the generation but this one. INFO as in process_signal_if().
 * Context: any. */
void members_signal(int sig);

/* Sends SIG with INFO to each worker to which IS_FIT applies. Context: any. */
void members_signal_workers(int sig, siginfo_t *info, bool (*is_fit)(pid_t pid));

#endif
