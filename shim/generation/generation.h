/* SPDX-License-Identifier: MIT */
/* Owns who this process is: its role in its generation, and which generations state before and after it. */
#ifndef OCTOPUS_GENERATION_H
#define OCTOPUS_GENERATION_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "generation/page.h"

enum role {
	ROLE_NONE,   /* has not listened: left exactly as it was */
	ROLE_LEADER, /* signals meant for the server are its to conduct */
	ROLE_WORKER, /* a child of a process that listened */
};

/* This process. Written by the thread that first listens, by a fork's child, and by the controller
 * when leadership moves. */
struct generation {
	struct generation_page *page; /* NULL while role is ROLE_NONE and there is no predecessor */
	/* The page of the generation that took over from this one, or serves beside it; NULL while
	 * there is none. Set and dropped by the leader's controller. */
	_Atomic(struct generation_page *) successor;
	/* NULL in a leader, and in a child that has not joined. An exiting thread leaves while the
	 * controller reports. */
	_Atomic(struct member *) membership;
	_Atomic int role;
	pid_t pid;
	pid_t fork_parent;   /* in a fork's child: who forked it */
	bool is_daemonizing; /* it, or an ancestor in this generation, left the session */
};

extern struct generation generation;

/* True if the process that forked this one is gone, and so is the leader: this one is next.
 * Context: any. */
bool generation_is_heir(void);

/* True if the generation that took over, or serves beside, is still there. Context: any. */
bool generation_successor_lives(void);

/* True if the successor took over the listener on ADDRESS, and lives. Context: any. */
bool generation_is_taken_over(const struct sockaddr *address, socklen_t length);

/* True if the predecessor still accepts on what it handed over. Context: any. */
bool generation_predecessor_serves(void);

/* True if another generation may accept on this one's listeners: only then are the costlier
 * questions worth asking. Context: any. */
bool generation_may_share(void);

/* In the child of a fork. Context: any. */
void generation_forked(void);

#endif
