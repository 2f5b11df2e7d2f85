/* SPDX-License-Identifier: MIT */
/* Spawning the successor. Twice clone(CLONE_VM): the time does not depend on how much memory the
 * server has, its threads run on, it gets no SIGCHLD, and its waitpid(-1) never sees our processes. */
#ifndef OCTOPUS_SPAWN_H
#define OCTOPUS_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bell.h"

/* A descriptor that the successor gets: FROM here is TO there. */
struct spawn_fd {
	int from;
	int to;
};

struct spawn_request {
	const char *path;
	char *const *argv;
	char *const *envp;
	const char *directory; /* NULL: the present one */
	int umask;             /* -1: the present one */
	const bool *keeps_fd;  /* which of 0-2 get through */
	uint64_t ignored;      /* signals to ignore; all others are at their default */
	uint64_t blocked;      /* signal mask */
	const struct spawn_fd *fds;
	int fd_count;
	bell *bell; /* rung when the successor's whole family has ended */
};

/* What is known of the one successor that is being born. The reaper, a process that shares our
 * memory, fills it in: it is the successor's parent and the reaper of all its descendants, until the
 * birth is over. */
struct spawn_report {
	_Atomic int32_t pid;          /* the successor's first process */
	_Atomic int32_t error;        /* errno of the step that failed, or 0 */
	_Atomic uint32_t failed_step; /* enum spawn_step */
	_Atomic int32_t status;       /* wait status of that first process */
	_Atomic uint32_t has_ended;   /* the whole family has */
};

enum spawn_step { SPAWN_NO_STEP, SPAWN_CLONE, SPAWN_CHDIR, SPAWN_EXEC };

extern struct spawn_report spawn_report;

/* Starts the successor and returns when it has been executed, or has failed to be.
 * Returns 0, or -errno when not even a process could be made; a failure after that is in the report.
 * Only 0-2 and REQUEST's descriptors get through. Context: the controller. */
int spawn_successor(const struct spawn_request *request);

/* Lets the successor go: its parent is now init, or the nearest subreaper. Context: the controller. */
void spawn_release(void);

/* Ends the successor and all its descendants, and reaps them, within about LIMIT_MS.
 * Context: the controller. */
void spawn_abandon(int64_t limit_ms);

#endif
