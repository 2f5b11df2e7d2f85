/* SPDX-License-Identifier: MIT */
/* Owns the generation page, on which the processes of one generation, and a predecessor with its successor, agree:
 * its layout, and how one is made, mapped and checked.
 *
 * It is one memfd (memfd_create(2)), mapped shared by the leader and, through fork, by all its children; a
 * successor is named its page's descriptor. Only the mapping is kept: no descriptor that a closefrom() could hit,
 * and no file to leak, to forge or to be denied. */
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
	PHASE_HANDING_OVER, /* a successor is being born; a worker may find itself without leader */
	PHASE_NOT_ACCEPTING, /* every member stops accepting and reports what it has left */
	PHASE_LEFT,          /* the leader has gone */
};

/* One inherited listener. FD is its number in the successor's first process. */
struct inherited_listener {
	int32_t fd;
	int32_t family, type, protocol;
	uint32_t address_length;
	uint32_t v6_only;
	uint32_t asked_for_any_port; /* was bound to port 0: so is its successor's */
	_Atomic int32_t claimed_by;  /* pid, 0: nobody */
	struct sockaddr_storage address;
};

#define CONNECTIONS_PEERS 160

enum member_kind { MEMBER_WORKER, MEMBER_CONNECTION };

/* A process of the generation other than its leader: a worker, which accepts, or a child that was
 * forked for one connection. */
struct member {
	_Atomic int32_t pid; /* 0: free, PID_RESERVED: about to be forked */
	_Atomic uint32_t kind;
	_Atomic uint32_t has_stopped_accepting;
	_Atomic uint32_t connections;
	_Atomic uint32_t idle;         /* of these */
	_Atomic uint32_t has_peers;    /* the text is complete */
	char peers[CONNECTIONS_PEERS]; /* of its first connections, at its first look at them */
};

struct generation_page {
	/* These four stand here in every version: another one reads them to say what it refuses. */
	uint32_t magic, version, size;
	char release[GENERATION_RELEASE]; /* of the library that made the page */
	bell bell;                        /* rung at every change below */
	_Atomic uint32_t phase;
	_Atomic int32_t leader;       /* 0: it has gone */
	_Atomic uint32_t is_stopping; /* of a drain: no successor serves */
	/* While the generation starts: a process of it has mapped the page, one waits for its first
	 * connection, and the leader has found that enough. */
	_Atomic uint32_t is_attached;
	_Atomic uint32_t is_waiting;
	_Atomic uint32_t is_ready;
	_Atomic int32_t announced_by; /* the leader that did */
	/* A child has left the session, on its way to lead in its parent's place. */
	_Atomic uint32_t is_moving;
	/* The predecessor still accepts on what it handed over; it exits, and nothing of it can
	 * signal its process group any more. */
	_Atomic uint32_t predecessor_holds;
	_Atomic uint32_t predecessor_left;
	int32_t predecessor;
	int32_t group;    /* the predecessor's process group */
	uint32_t number;  /* 1 for the first generation */
	uint64_t blocked; /* the signal mask to start with */
	uint32_t listener_count;
	struct inherited_listener listeners[GENERATION_LISTENERS];
	struct member members[GENERATION_MEMBERS];
};

/* Makes a page and maps it. *ret_fd is a close-on-exec descriptor that the caller owns, or the
 * -errno of memfd_create(2), where the memory can only be passed on by fork.
 * Returns 0 or -errno. Context: normal, or the controller: it calls mmap(2). */
int page_make(struct generation_page **ret_page, int *ret_fd);

/* Maps the page behind FD after checking that it is one. FD stays the caller's. Returns 0, -EPROTO when it is none,
 * -EPROTONOSUPPORT when it is of another version, or -errno. RET_RELEASE gets the release of the library that made a page
 * of another version: "0.2.0", or "of an earlier release" where none was written. Context: init. */
int page_map(int fd, struct generation_page **ret_page, char ret_release[GENERATION_RELEASE + 8]);

/* Unmaps a page that is not the process's own. Context: any. */
void page_drop(struct generation_page *page);

#endif
