/* SPDX-License-Identifier: MIT */
/* Owns the news of a generation: what its leader says and the others follow. The leader alone can
 * write the page. It has it mapped twice: for writing, in a mapping that no fork copies
 * (MADV_DONTFORK, madvise(2)), and for reading, in the one that its children inherit. The memfd
 * under both is sealed against any further mapping for writing (F_SEAL_FUTURE_WRITE, fcntl(2)), so
 * that mprotect(2) cannot make the second one writable, and its descriptor is closed.
 *
 * A child that leads on makes news of its own, for itself and for the children that it has from then
 * on: it cannot write the page on which it was told, and need not believe any other one. */
#ifndef OCTOPUS_NEWS_H
#define OCTOPUS_NEWS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum generation_phase {
	PHASE_SERVING,
	PHASE_HANDING_OVER,  /* a candidate starts; a worker may lose its leader meanwhile */
	PHASE_NOT_ACCEPTING, /* every member stops accepting and reports its connections */
	PHASE_LEFT,          /* the leader exits */
};

struct news {
	_Atomic uint32_t phase;
	_Atomic int32_t leader;       /* 0: none yet, or it has exited */
	_Atomic uint32_t is_stopping; /* this drain is a stop: no successor serves */
	/* A signal that stops the server has come to the leader. */
	_Atomic uint32_t is_asked_to_stop;
	_Atomic uint32_t is_ready; /* the leader has announced that the generation serves */
	/* A successor starts or serves beside this generation, and may accept. */
	_Atomic uint32_t successor_may_accept;
	/* The predecessor still accepts on the listeners that it handed over. */
	_Atomic uint32_t predecessor_holds;
	/* It exits, and no longer signals its process group. */
	_Atomic uint32_t predecessor_left;
	/* A listener of the generation may be unblocked (listeners.h). */
	_Atomic uint32_t has_unblocked;
};

typedef _Atomic(const struct news *) news_place;

/* What this process's leader says; NULL in a process that knows of none. Read-only. */
extern news_place news_page;

/* What is not said reads as zero: in a process without news, everything. Context: any. */
static inline const struct news *news(void)
{
	static const struct news none;
	const struct news *page = atomic_load_explicit(&news_page, memory_order_acquire);

	return page ? page : &none;
}

/* Makes a page of this process's own. It says what the news said before. Returns 0 or -errno.
 * Context: any. */
int news_make(void);

/* The same page for its writer. In a process that may not write it, what is written is nobody's.
 * Context: any. */
struct news *news_own(void);

/* True if this process has a page of its own, which its children read. Context: any. */
bool news_is_own(void);

/* In the child of a fork, which reads its parent's news. Context: any. */
void news_forked(void);

#endif
