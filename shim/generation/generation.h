/* SPDX-License-Identifier: MIT */
/* The generation page: what the processes of one generation, and a predecessor with its successor,
 * agree on. One memfd (memfd_create(2)) mapped shared by the leader and, through fork, by all its
 * children; a successor is named its page's descriptor. Only the mapping is kept: no descriptor
 * that a closefrom() could hit, and no file to leak, to forge or to be denied. */
#ifndef OCTOPUS_GENERATION_H
#define OCTOPUS_GENERATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/bell.h"

#define GENERATION_MAGIC 0x6f637431u /* "oct1" */
#define GENERATION_VERSION 2u
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

#define PID_RESERVED (-1)

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
	uint32_t magic, version, size;
	bell bell; /* rung at every change below */
	_Atomic uint32_t phase;
	_Atomic int32_t leader;       /* 0: it has gone */
	_Atomic uint32_t is_stopping; /* of a drain: no successor serves */
	/* Of the generation's birth: a process of it has mapped the page, one waits for its first
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

/* Makes a page and maps it. *ret_fd is a close-on-exec descriptor that the caller owns, or the
 * -errno of memfd_create(2), where the memory can only be passed on by fork.
 * Returns 0 or -errno. Context: any. */
int generation_make_page(struct generation_page **ret_page, int *ret_fd);

/* Maps the page behind FD after checking that it is one. FD stays the caller's. Returns 0, -EPROTO
 * when it is none, -EPROTONOSUPPORT when it is of another version, or -errno. Context: any. */
int generation_map_page(int fd, struct generation_page **ret_page);

/* Unmaps a page that is not the process's own. Context: any. */
void generation_drop_page(struct generation_page *page);

/* Gives this process a place in the table. Without a free place it stays outside: it is then not
 * waited for. Context: any. */
void generation_join(enum member_kind kind);
void generation_leave(void);

/* A place for a child that is about to be forked for a connection, or NULL; it counts as one from now
 * on. The child joins in it (generation.membership); if there is none it is to be freed. Context: any. */
struct member *generation_reserve_place(void);
void generation_free_place(struct member *place);

/* True if the process in PLACE lives, or is about to be forked; else the place is freed. Context: any. */
bool generation_is_live(struct member *place);

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
