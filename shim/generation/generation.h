/* SPDX-License-Identifier: MIT */
/* Owns the identity of this process: its role in its generation, and the generations before and
 * after. */
#ifndef OCTOPUS_GENERATION_H
#define OCTOPUS_GENERATION_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "generation/birth.h"
#include "generation/news.h"
#include "kernel/process.h"
#include "kernel/sandbox.h"

enum role {
	ROLE_NONE,   /* has not listened: Octopus changes nothing in it */
	ROLE_LEADER, /* acts on the signals that Octopus has taken */
	ROLE_WORKER, /* a child of a process that has listened */
};

/* What a predecessor told this generation of itself, and how it is to start: copied once from the
 * manifest. All zero in a generation without a predecessor. */
struct lineage {
	struct process predecessor;
	pid_t group;      /* the predecessor's process group */
	uint32_t number;  /* of this generation: 1 for the first */
	uint64_t blocked; /* the signal mask with which the server starts */
	bool is_sibling;  /* no reaper follows this generation (spawn.h) */
	pid_t outer;      /* the server that has started this one (outer.h); 0: none */
};

/* The generation that took over from this one, or serves beside it. The leader's own memory: the
 * kernel has confirmed who leads it, and nothing here changes by somebody else's hand. */
struct successor {
	struct birth *birth; /* its words, to tell it what this generation does */
	struct process leader;
	/* Its processes are below the reaper: if its leader dies, another one leads on. */
	_Atomic bool may_have_heir;
	uint32_t listener_count;
	struct {
		bool is_claimed;
		uint64_t identity; /* socket_identity.h */
		struct bound_file file;
		sa_family_t family;
		socklen_t length;
		struct sockaddr_storage address;
	} listeners[GENERATION_LISTENERS];
};

/* This process. It is written in a successor's constructor, by the thread that first listens, by
 * the child of a fork, and by the controller of a process that becomes the leader. */
struct generation {
	struct lineage lineage;
	/* The words that this generation shares with its predecessor; NULL: there is none, or in a
	 * worker. The process that leads, or may come to, has them. */
	_Atomic(struct birth *) birth;
	/* NULL while there is none. Only the leader's controller sets and clears it. */
	_Atomic(struct successor *) successor;
	_Atomic int role;
	pid_t pid;
	pid_t fork_parent;   /* in the child of a fork: its parent */
	bool is_master;      /* leads although it does not listen: its branches do (branches.h) */
	bool is_branch;      /* leads itself alone, for a master */
	bool is_daemonizing; /* this process, or an ancestor in this generation, left the session */
	pid_t daemon;        /* the last one of these that did */
};

extern struct generation generation;

/* True in the process of `generation`, and not in a child of vfork() or a raw clone(2), which runs in
 * its memory. In a tight sandbox, where nobody may ask, it is taken to be. Context: any. */
static inline bool generation_is_of_this_process(void)
{
	return sandbox_is_tight() || getpid() == generation.pid;
}

/* Sets the lineage from MANIFEST and the words of the birth, which are there. Context: init. */
void generation_inherit(const struct manifest *manifest);

/* True from the start of a successor on, and from the first listen() of any other process on.
 * Context: any. */
bool generation_is_known(void);

/* True in a successor until it has announced that it is ready. Context: any. */
bool generation_is_being_born(void);

/* True while the predecessor has not said that it exits, and is there. Context: any. */
bool generation_predecessor_may_ring(void);

/* In a process that will never lead: lets go of the words of the birth. Context: any. */
void generation_leave_birth(void);

/* True if the parent that forked this process is gone, and no leader is alive: this process is the
 * next leader. Context: any. */
bool generation_is_heir(void);

/* True in a child of the generation that left the session, or that is not its parent's child any more: it
 * may lead. The first child of a daemon that forks twice becomes so when the one between has exited.
 * Context: any. */
bool generation_may_come_to_lead(void);

/* True if the generation that took over, or serves beside this one, is still alive.
 * Context: any. */
bool generation_successor_lives(void);

/* True if a live successor has claimed the listener SOCKET (socket_identity.h); or, where that came after the
 * successor, one on ADDRESS. Context: any. */
bool generation_is_taken_over(uint64_t socket, const struct sockaddr *address, socklen_t length);

/* True if the predecessor is alive and still accepts on the listeners that it handed over.
 * Context: any. */
bool generation_predecessor_serves(void);

/* True if another generation may accept on the listeners of this one. Callers test this first,
 * since the functions above and listeners_is_held_elsewhere() cost more. Context: any. */
static inline bool generation_may_share(void)
{
	const struct news *page = atomic_load_explicit(&news_page, memory_order_acquire);
	const struct birth *birth;

	if (atomic_load(&generation.successor))
		return true;
	if (page)
		return atomic_load(&page->successor_may_accept) ||
		       atomic_load(&page->predecessor_holds);
	/* Before the generation has a leader, its processes read the predecessor's own words, if they have
	 * them. */
	birth = atomic_load(&generation.birth);
	return birth ? atomic_load(&birth->predecessor_holds)
	             : generation.lineage.predecessor.pid > 0;
}

/* Makes the child of a fork a worker, or leaves it without a role if its parent had none, or was a master.
 * Context: any. */
void generation_forked(void);

#endif
