/* SPDX-License-Identifier: MIT */
/* Owns what is known of the listeners on which this process waits for clients: whether these are all
 * that it has inherited, and whether it is time to ask the kernel. */
#ifndef OCTOPUS_COVERAGE_H
#define OCTOPUS_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This process waits on the listener FD. Returns true if that was not known of an inherited one.
 * Leaves errno alone. Context: any. */
bool coverage_note(int fd);

/* True while a wait on another listener may tell more. Context: any. */
bool coverage_is_awaited(void);

/* True if a process has claimed each inherited listener, and this one waits on it; or with
 * OTHERS_WAIT, which means that workers wait for clients, on whatever was claimed. True, too, if the
 * predecessor does not serve any more.
 * Context: the controller. */
bool coverage_is_whole(bool others_wait);

/* Writes the addresses that lack, and "N more" for those that do not fit.
 * Context: the controller. */
void coverage_list_missing(bool others_wait, char *buffer, size_t size);

/* Asks the kernel on which listeners threads of this process sleep, and notes them, if there are
 * AT_LEAST so many threads beside the calling one. Returns true if there is one; *is_news becomes true
 * if coverage_note() was not told of it. Context: any. */
bool coverage_look(int at_least, bool *is_news);

/* Another thread may sleep on a listener from now on: a look is due. Context: any. */
void coverage_hint(void);

/* Returns in how many ms the next look is due at NOW, in monotonic ms; 0: now. After each hint they
 * come soon, and then less and less often; with IS_SHORT, for a process that is new for a short time
 * only, they go on to come. Context: the controller. */
int64_t coverage_next_look(int64_t now, bool is_short);

/* Resets this module in the child of a fork, which waits on nothing yet. Context: any. */
void coverage_forked(void);

#endif
