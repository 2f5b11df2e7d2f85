/* SPDX-License-Identifier: MIT */
/* Owns the identity of this process: its role in its generation, and the generations before and
 * after. */
#ifndef OCTOPUS_GENERATION_H
#define OCTOPUS_GENERATION_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "generation/page.h"
#include "kernel/sandbox.h"

enum role {
	ROLE_NONE,   /* has not listened: Octopus changes nothing in it */
	ROLE_LEADER, /* acts on the signals that Octopus has taken */
	ROLE_WORKER, /* a child of a process that has listened */
};

/* This process. It is written in a successor's constructor, by the thread that first listens, by
 * the child of a fork, and by the controller of a process that becomes the leader. */
struct generation {
	struct generation_page *page; /* NULL while role is ROLE_NONE and there is no predecessor */
	/* The page of the generation that took over from this one, or serves beside it; NULL while
	 * there is none. Only the leader's controller sets and clears it. */
	_Atomic(struct generation_page *) successor;
	/* NULL in a leader, and in a child that has not joined. An exiting thread may clear it
	 * while the controller reports. */
	_Atomic(struct member *) membership;
	_Atomic int role;
	pid_t pid;
	pid_t fork_parent;   /* in the child of a fork: its parent */
	bool is_daemonizing; /* this process, or an ancestor in this generation, left the session */
};

extern struct generation generation;

/* True in the process of `generation`, and not in a child of vfork() or a raw clone(2), which runs in
 * its memory. In a tight sandbox, where nobody may ask, it is taken to be. Context: any. */
static inline bool generation_is_of_this_process(void)
{
	return sandbox_is_tight() || getpid() == generation.pid;
}

/* True if the parent that forked this process is gone, and no leader is alive: this process is the
 * next leader. Context: any. */
bool generation_is_heir(void);

/* True if the generation that took over, or serves beside this one, is still alive.
 * Context: any. */
bool generation_successor_lives(void);

/* True if a live successor has claimed the listener on ADDRESS. Context: any. */
bool generation_is_taken_over(const struct sockaddr *address, socklen_t length);

/* True if the predecessor is alive and still accepts on the listeners that it handed over.
 * Context: any. */
bool generation_predecessor_serves(void);

/* True if another generation may accept on the listeners of this one. Callers test this first,
 * since the functions above and listeners_is_held_elsewhere() cost more. Context: any. */
static inline bool generation_may_share(void)
{
	const struct generation_page *page = generation.page;

	return atomic_load(&generation.successor) ||
	       (page && (atomic_load(&page->successor_may_accept) ||
	                 atomic_load(&page->predecessor_holds)));
}

/* Makes the child of a fork a worker, or leaves it without a role if its parent had none.
 * Context: any. */
void generation_forked(void);

#endif
