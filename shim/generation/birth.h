/* SPDX-License-Identifier: MIT */
/* Owns what a predecessor and the generation that is born of it share: a few words that both write,
 * and a manifest that neither can change any more.
 *
 * Each is a memfd (memfd_create(2)). The predecessor maps the words in a mapping that no fork of it
 * copies, and the successor gets both descriptors by number: so there is no file that could be left
 * behind, forged or denied. The successor reads the manifest once into its own memory. A worker of
 * the new generation lets go of the words before its first client.
 *
 * Whatever the words say of a process, the predecessor asks the kernel whether that process is of
 * this birth before it believes it. */
#ifndef OCTOPUS_BIRTH_H
#define OCTOPUS_BIRTH_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/bell.h"
#include "generation/bound_files.h"
#include "kernel/socket_name.h"
#include "base/kept_fd.h"

#define GENERATION_MAGIC 0x6f637431u /* "oct1" */
#define GENERATION_VERSION 6u
#define GENERATION_RELEASE 16 /* "0.1.0" */
#define GENERATION_LISTENERS 512

/* What waits to be claimed, by index: the listeners as in the manifest, the manifest itself, and what
 * the predecessor has kept (base/kept_fd.h). */
#define BIRTH_MANIFEST GENERATION_LISTENERS
#define BIRTH_KEPT (GENERATION_LISTENERS + 1)
#define BIRTH_FDS (BIRTH_KEPT + KEPT_COUNT)

/* The address of the predecessor's broker, five digits and a NUL. */
#define BIRTH_BROKER 6

/* Why a bind() of the new version has failed (obstacle.h): the index of the listener in its way. */
struct obstacle {
	_Atomic uint32_t is_noted;
	uint32_t listener;
	struct socket_name wanted;
};

/* The words, in the file that the variable names. */
struct birth {
	/* These four have this place in every version since 3, so that another version can log the
	 * release of a page that it refuses. */
	uint32_t magic, version, size;
	char release[GENERATION_RELEASE]; /* of the library that made the page */
	bell bell;                        /* rung when a change below may end somebody's wait */
	/* How far the start is. attached: a process has mapped the words. leader: the process that
	 * listens; 0: none yet, or it has exited. ready: the leader has announced readiness. */
	_Atomic uint32_t is_attached;
	_Atomic int32_t leader;
	_Atomic uint32_t is_ready;
	_Atomic int32_t announced_by; /* the leader that announced it */
	/* The predecessor has seen that it is ready, and relies on it from then on. */
	_Atomic uint32_t is_accepted;
	/* The successor's leader exits. */
	_Atomic uint32_t successor_left;
	/* The predecessor still accepts; it exits. See news.h. */
	_Atomic uint32_t predecessor_holds;
	_Atomic uint32_t predecessor_left;
	_Atomic int32_t fds[BIRTH_FDS]; /* the present number of each; 0: there is none */
	_Atomic int32_t claimed_by[GENERATION_LISTENERS]; /* pid; 0: nobody; or CLAIM_REPLACED */
	/* The candidate has no reaper (spawn.h). The predecessor has given the candidate up: whoever
	 * is left of it leaves. */
	_Atomic uint32_t is_sibling;
	_Atomic uint32_t is_given_up;
	/* Where a process that has inherited nothing asks (broker.h). Empty: nobody answers, and all that
	 * the candidate starts inherits what it has. */
	char broker[BIRTH_BROKER];
	struct obstacle obstacle;
	/* Until when the predecessor waits, in monotonic ms. */
	_Atomic int64_t ready_until;
};

/* The successor has put another listener in the place of this one. */
#define CLAIM_REPLACED (-1)

struct inherited_listener {
	int32_t family, type, protocol;
	uint32_t address_length;
	uint32_t v6_only;
	uint32_t asked_for_any_port; /* bound to port 0: matches a bind() to port 0 */
	uint64_t identity;           /* socket_identity.h */
	struct bound_file file;      /* of a unix listener that has a path */
	struct sockaddr_storage address;
};

struct manifest {
	uint32_t magic, version, size;
	int32_t predecessor;
	uint64_t predecessor_start;           /* process.h */
	int32_t group;                        /* the predecessor's process group */
	uint32_t number;                      /* of the generation; 1 for the first */
	uint64_t blocked;                     /* the signal mask with which the server starts */
	uint32_t kept;                        /* which descriptors come, 1 << enum kept each */
	uint32_t has_no_root, has_other_tree; /* lowered.h */
	uint32_t listener_count;
	int32_t outer; /* the server of which this one is a helper (outer.h), or 0 */
	struct inherited_listener listeners[GENERATION_LISTENERS];
};

/* Makes the words and maps them, where retired ones were if there are some. *ret_fd is a close-on-exec descriptor that the caller owns. Returns
 * 0 or -errno. Context: the controller. */
int birth_make(struct birth **ret_birth, int *ret_fd);

/* Maps the words in the file FD, after a check that it holds some. FD stays the caller's. Returns 0,
 * -EPROTO if it holds none, -EPROTONOSUPPORT if they are of another version, or -errno. For another
 * version, RET_RELEASE gets the release of the library that made them: "0.2.0", or "of an earlier
 * release" if none is there. Context: init. */
int birth_map(int fd, struct birth **ret_birth, char ret_release[GENERATION_RELEASE + 8]);

/* From now on a fork of this process does not copy the mapping. Context: any. */
void birth_keep_from_children(struct birth *birth);

/* Unmaps BIRTH, if it is not NULL. Nobody else can know of it. Context: any. */
void birth_drop(struct birth *birth);

/* The words are no longer used. They stay mapped, until birth_make() puts others in their place: a thread or a
 * signal handler that has found the bell before may ring it at any time later. Context: the controller. */
void birth_retire(struct birth *birth);

/* In the child of a fork, which has not got what was retired. Context: any. */
void birth_forked(void);

/* The birth is over for this process: puts memory of its own, all zero, in the place of the words. A
 * thread that is about to ring there does no harm. Context: any. */
void birth_end(struct birth *birth);

/* Fills in the head of MANIFEST, and passes it on: makes a memfd that holds it and that nobody can
 * change. Returns a close-on-exec descriptor that the caller owns, or -errno.
 * Context: the controller. */
int manifest_seal(struct manifest *manifest);

/* Reads the manifest in FD once, and checks it. Returns 0, -EPROTO if there is none, or one that
 * somebody may still change, or -errno. Context: init. */
int manifest_read(int fd, struct manifest *ret_manifest);

#endif
