/* SPDX-License-Identifier: MIT */
/* Owns what a process of a new version, that a predecessor or a wrapper has started, knows before it
 * listens. */
#ifndef OCTOPUS_CANDIDATE_H
#define OCTOPUS_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

/* This process is one. Context: init. */
void candidate_begin(void);

/* The hand-over with which it was executed was no good. Context: init. */
void candidate_note_refusal(void);

/* True if that is so. Context: any. */
bool candidate_has_refused(void);

/* This process binds FD, or removes the path of a socket (FD is -1): if it does not know whether it
 * inherits anything, it looks whether a process of a new version has started it. Context: any. */
void candidate_look(int fd);

/* It has claimed a listener, which no line tells of yet. Returns how many those are, and forgets them.
 * Context: any. */
void candidate_note_claim(void);
uint32_t candidate_take_claims(void);

/* In a worker: what its master has claimed before the fork, the master's line tells. Context: any. */
void candidate_leave_masters_claims(void);

/* A bind() of FD has failed. A handler may bind, but what an open log needs of libc is nothing for it
 * (localtime_r(3)): so that is told when the process exits. Context: any. */
void candidate_note_failed_bind(int fd);

/* True if this very process could not bind a stream socket. Context: any. */
bool candidate_was_refused(void);

/* True if FD is a listener that this process was started with, and another server's: a worker that was
 * executed anew, and has its master's listener, is no server. Leaves errno alone. Context: any. */
bool candidate_is_another_servers(int fd);

/* Claims the listeners of the start (start_listeners.h), once: nobody binds them, and perhaps nobody calls
 * listen(), so who uses one has all. Returns how many. Context: normal. */
int candidate_claim_start_listeners(void);

#endif
