/* SPDX-License-Identifier: MIT */
/* Owns the table of the children that this process has forked since it leads a generation, in its
 * own memory: the number of each, as fork(2) returned it, and its page of hints. A child has no
 * other page, and each page is memory of its own, so that nothing that a child does to its mapping
 * (mremap(2), remap_file_pages(2)) shows it another. The leader maps them in one stretch that no
 * fork copies. */
#ifndef OCTOPUS_CHILDREN_H
#define OCTOPUS_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

#include "generation/hints.h"

/* Live children of one process; of further ones the drain knows nothing. */
#define MEMBERS_MOST 4096

/* This process leads from now on: makes its news, a doorbell if there is none, and room for the
 * pages of its children. Returns 0 or -errno. Context: any. */
int children_lead(void);

/* These surround a fork of this process. IS_FOR_CONNECTION: the child is forked for one connection,
 * and counts as that until it says otherwise. CHILD is the result, where a wrapper has seen it.
 * Context: any. */
void children_fork_begins(bool is_for_connection);
void children_forked_in_parent(void);
void children_forked_in_child(void);
void children_fork_ended(pid_t child);

/* Calls VISIT with each child until it returns false. Returns the last answer. Context: any. */
bool children_each(bool (*visit)(int child, void *context), void *context);

/* True if this process has ever had a child since it leads. Context: any. */
bool children_exist(void);

/* Of CHILD: its page; its number, or 0 if that is not known; what this process knows of it without a
 * word. Context: any. */
struct hints *children_page(int child);
pid_t children_pid(int child);
struct hint_first children_first(int child);

/* True if CHILD was forked by a call whose result no wrapper has seen. Then children_see() notes
 * that it is PID, which the caller has from the kernel. Context: any. */
bool children_is_unseen(int child);
void children_see(int child, pid_t pid);

#endif
