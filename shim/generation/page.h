/* SPDX-License-Identifier: MIT */
/* Owns the generation page: its layout, and how a process makes, maps and checks one. Through it
 * the processes of a generation agree, and so do a predecessor and its successor.
 *
 * The page is a memfd (memfd_create(2)). The leader maps it shared, and its children inherit the
 * mapping by fork; a successor gets the descriptor of its page by number. The processes keep only
 * the mapping: so there is no descriptor that closefrom() could close, and no file that could be
 * left behind, forged or denied. */
#ifndef OCTOPUS_PAGE_H
#define OCTOPUS_PAGE_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/bell.h"

#define GENERATION_MAGIC 0x6f637431u /* "oct1" */
#define GENERATION_VERSION 3u
#define GENERATION_RELEASE 16 /* "0.1.0" */
#define GENERATION_LISTENERS 512
#define GENERATION_MEMBERS 4096

enum generation_phase {
	PHASE_SERVING,
	PHASE_HANDING_OVER,  /* a candidate starts; a worker may lose its leader meanwhile */
	PHASE_NOT_ACCEPTING, /* every member stops accepting and reports its connections */
	PHASE_LEFT,          /* the leader exits */
};

/* An inherited listener. FD is its number in the successor's first process. */
struct inherited_listener {
	int32_t fd;
	int32_t family, type, protocol;
	uint32_t address_length;
	uint32_t v6_only;
	uint32_t asked_for_any_port; /* bound to port 0: matches a bind() to port 0 */
	_Atomic int32_t claimed_by;  /* pid; 0: nobody */
	struct sockaddr_storage address;
};

#define CONNECTIONS_PEERS 160

enum member_kind { MEMBER_WORKER, MEMBER_CONNECTION };

/* A process of the generation other than its leader: a worker, which accepts, or a child that was
 * forked for one connection. */
struct member {
	_Atomic int32_t pid; /* 0: free; PID_RESERVED: about to be forked */
	_Atomic uint32_t kind;
	_Atomic uint32_t has_stopped_accepting;
	_Atomic uint32_t connections;
	_Atomic uint32_t idle;         /* how many of these are idle */
	_Atomic uint32_t has_peers;    /* peers is complete */
	char peers[CONNECTIONS_PEERS]; /* clients of its first connections, by its first scan */
};

struct generation_page {
	/* These four have this place in every version since 3, so that another version can log the
	 * release of a page that it refuses. */
	uint32_t magic, version, size;
	char release[GENERATION_RELEASE]; /* of the library that made the page */
	bell bell;                        /* rung when a change below may end somebody's wait */
	_Atomic uint32_t phase;
	_Atomic int32_t leader;       /* 0: none yet, or it has exited */
	_Atomic uint32_t is_stopping; /* this drain is a stop: no successor serves */
	/* How far the start of the generation is. attached: a process has mapped the page. waiting:
	 * one waits for its first connection. ready: the leader has announced readiness. */
	_Atomic uint32_t is_attached;
	_Atomic uint32_t is_waiting;
	_Atomic uint32_t is_ready;
	_Atomic int32_t announced_by; /* the leader that announced it */
	/* A child has left the session: a daemon, which will lead in its parent's place. */
	_Atomic uint32_t is_moving;
	/* holds: the predecessor still accepts on the listeners that it handed over. left: it
	 * exits, and no longer signals its process group. */
	_Atomic uint32_t predecessor_holds;
	_Atomic uint32_t predecessor_left;
	int32_t predecessor;
	int32_t group;    /* the predecessor's process group */
	uint32_t number;  /* 1 for the first generation */
	uint64_t blocked; /* the signal mask with which the server starts */
	uint32_t listener_count;
	struct inherited_listener listeners[GENERATION_LISTENERS];
	struct member members[GENERATION_MEMBERS];
	/* A successor starts or serves beside this generation, and may accept. It stands here because
	 * the workers do not map the successor's page. */
	_Atomic uint32_t successor_may_accept;
	/* A thread of the generation accepts after it has polled, and relies on accept() not to wait. */
	_Atomic uint32_t polls_before_accept;
	/* A listener of the generation may be unblocked (listeners.h). */
	_Atomic uint32_t has_unblocked;
};

/* Makes a page and maps it. *ret_fd is a close-on-exec descriptor that the caller owns. If
 * memfd_create(2) fails, *ret_fd is its -errno, and only a fork can pass the memory on. Returns 0
 * or -errno. Context: normal, or the controller: it calls mmap(2). */
int page_make(struct generation_page **ret_page, int *ret_fd);

/* Maps the page in the file FD, after a check that it is one. FD stays the caller's. Returns 0,
 * -EPROTO if FD holds no page, -EPROTONOSUPPORT if it holds a page of another version, or -errno.
 * For a page of another version, RET_RELEASE gets the release of the library that made it: "0.2.0",
 * or "of an earlier release" if the page holds none. Context: init. */
int page_map(int fd, struct generation_page **ret_page, char ret_release[GENERATION_RELEASE + 8]);

/* Unmaps PAGE, which must not be the page of this process's own generation. Context: any. */
void page_drop(struct generation_page *page);

#endif
