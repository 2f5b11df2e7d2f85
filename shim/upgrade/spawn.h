/* SPDX-License-Identifier: MIT */
/* Owns how a candidate is spawned, by two clone(CLONE_VM). So the size of the server's memory does
 * not matter, the server's threads keep running, and the server neither gets SIGCHLD nor finds
 * Octopus's processes by waitpid(-1). */
#ifndef OCTOPUS_SPAWN_H
#define OCTOPUS_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bell.h"
#include "kernel/process.h"
#include "kernel/resources.h"

/* The successor gets descriptor FROM of this process as TO; they may be the same. FROM is -1 for
 * /dev/null, open for writing. */
struct spawn_fd {
	int from;
	int to;
};

#define SPAWN_PID_TEXT 12

struct spawn_request {
	const char *path;
	char *const *argv;
	char *const *envp;
	char *pid_text; /* in an entry of ENVP: the candidate's pid goes there, and a NUL; or NULL */
	const char *directory; /* NULL: the current one */
	int umask;             /* -1: the current one */
	bool keeps_fd[3];      /* which of 0-2 stay open */
	uint64_t ignored;      /* signals to ignore; all others get their default */
	uint64_t blocked;      /* signal mask */
	bool is_sibling;       /* its parent is this process's own, and there is no reaper */
	int death_signal;      /* when that parent ends (PR_SET_PDEATHSIG); 0: none */
	const struct resources *resources; /* NULL: as this process has them */
	int oom_score;                     /* OOM_SCORE_UNKNOWN: likewise */
	const struct spawn_fd *fds;
	int fd_count;
	bell *bell; /* rings when all processes of the candidate have ended */
	const char
		*name; /* the reaper's, by which the candidate's processes find the broker; or "" */
};

/* What is known of the one candidate. The reaper fills it in. The reaper is a process that shares
 * this one's memory; it is the candidate's parent and reaps all its descendants, until the
 * candidate is accepted or given up. A sibling has no reaper: its status stays unknown, and
 * spawn_look() fills in that it has ended. */
struct spawn_report {
	_Atomic int32_t pid;          /* the candidate's first process */
	_Atomic int32_t error;        /* errno of the step that failed, or 0 */
	_Atomic uint32_t failed_step; /* enum spawn_step */
	_Atomic int32_t status;       /* wait status of that first process */
	/* All processes of the candidate have ended; of a sibling: the first. */
	_Atomic uint32_t has_ended;
	_Atomic uint32_t is_sibling;
};

enum spawn_step { SPAWN_NO_STEP, SPAWN_CLONE, SPAWN_CHDIR, SPAWN_EXEC };

extern struct spawn_report spawn_report;

/* Starts the candidate; returns when it has been executed or that has failed. Returns 0, or -errno
 * when no process could be made; spawn_report holds a later failure. Returns -EINVAL for a sibling of
 * process 1, which can have none. The candidate gets only 0-2 and REQUEST's descriptors.
 * Context: the controller. */
int spawn_successor(const struct spawn_request *request);

/* Returns true if nobody rings the bell when the candidate ends, and looks whether it has.
 * Context: the controller. */
bool spawn_look(void);

/* Lets the candidate go: init, or the nearest subreaper, is now its parent.
 * Context: the controller. */
void spawn_release(void);

/* Returns the reaper, or 0 if there is none any more. Context: the controller. */
pid_t spawn_reaper(void);

/* The candidate's first process, which has a process group of its own. Context: the controller. */
const struct process *spawn_first(void);

#endif
