/* SPDX-License-Identifier: MIT */
/* Owns who the parent of this process is taken to be. The real parent of a successor is the reaper
 * (spawn.h), and later init: a server that watches getppid(), or that asks for a signal at its
 * parent's death (PR_SET_PDEATHSIG, prctl(2)), would take that for the end of its supervisor. */
#ifndef OCTOPUS_PARENT_H
#define OCTOPUS_PARENT_H

#include <stdbool.h>
#include <sys/types.h>

/* Notes this process and the signal that it was started with for its parent's death. It makes two
 * system calls. Context: normal. */
void parent_capture(void);

/* This process is a successor with a reaper. FIRST is the parent of the first generation, or 0 if
 * that is not known or was left behind by a daemon. Context: init. */
void parent_inherit(pid_t first);

/* Returns true if the real parent is the reaper, and writes what the next program in this process is
 * to call parent_inherit() with. Context: any. */
bool parent_is_reaper(pid_t *ret_first);

/* Returns what getppid() answers: in a successor the parent of the first generation, while that is
 * alive. Context: any. */
pid_t parent_get(void);

/* Does what prctl(PR_SET_PDEATHSIG, SIG) does. While the reaper is the parent it only remembers SIG:
 * the reaper's end is nobody's death. Returns as prctl(2) does. Context: any. */
int parent_set_death_signal(unsigned long sig);

/* Returns the signal that parent_set_death_signal() only remembers in this process, or 0.
 * Context: any. */
int parent_remembered_signal(void);

/* Whether a successor is to have this process's own parent, because this process was started with a
 * signal for its death, or has asked for one. Then *RET_SIGNAL is what it was started with, or 0.
 * Context: any. */
bool parent_is_wanted(int *ret_signal);

/* True, and a log line, once: the predecessor has given this process up, and serves on. Context: normal. */
bool parent_learns_given_up(void);

/* Does that, too, if its family is a candidate that nobody follows, because it has no reaper, and the
 * first process of that has ended: it is a daemon, and its predecessor is about to give it up.
 * Context: normal. */
void parent_leave_if_unfollowed(void);

/* Returns what a successor is to call parent_inherit() with. Context: any. */
pid_t parent_to_hand_over(void);

#endif
