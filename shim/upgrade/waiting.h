/* SPDX-License-Identifier: MIT */
/* Owns the descriptors that a successor has and its server does not know of yet: listeners that nobody has
 * claimed, those of the manifest and of the words of the birth, and the files that the predecessor has kept. They wait at high numbers, where
 * neither the server nor the programs in between (sh, env, a wrapper script) come across them. Calls that
 * close all descriptors spare them. INDEX is as in birth.h. */
#ifndef OCTOPUS_WAITING_H
#define OCTOPUS_WAITING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "generation/birth.h"

/* How many wait; 0 in every process that is no successor. The wrappers of close, dup2 and execve test
 * only this. */
extern _Atomic int waiting_count;

/* True while any descriptor waits. Context: any. */
static inline bool waiting_exists(void)
{
	return __builtin_expect(atomic_load_explicit(&waiting_count, memory_order_relaxed) != 0, 0);
}

/* Nothing waits yet. Context: any. */
void waiting_clear(void);

/* FD waits from now on, close-on-exec. The caller then calls waiting_count_again(), as it does after each
 * change. Context: any. */
void waiting_put(uint32_t index, int fd);
void waiting_put_words(int fd);
void waiting_count_again(void);

/* True if a descriptor waits under INDEX. Context: any. */
bool waiting_has(uint32_t index);

/* The descriptor that waits under INDEX, which stays there, or -1. Context: any. */
int waiting_fd(uint32_t index);

/* True if FD waits under an index before INDEX. Context: any. */
bool waiting_is_before(uint32_t index, int fd);

/* Takes the descriptor out, which is the caller's from then on. Returns -1 if another thread was quicker.
 * Context: any. */
int waiting_take(uint32_t index);

/* The descriptor of the words, or -1. Context: any. */
int waiting_words(void);

/* Closes what waits under INDEX; the manifest and the words; the files. Context: any. */
void waiting_close(uint32_t index);
void waiting_close_pages(void);
void waiting_close_kept(void);

/* True if FD waits, so that the server must not touch it. Context: any. */
bool waiting_owns(int fd);

/* The lowest waiting descriptor >= FIRST, or -1. Context: any. */
int waiting_next(int first);

/* Moves the waiting descriptor FD to another number, because the server wants this one.
 * Context: any. */
void waiting_move_away(int fd);

/* With ALLOW, before an execve: they survive it, but the files only WITH_KEPT. Without, none does.
 * Context: any (a vfork child too). */
void waiting_survive_exec(bool allow, bool with_kept);

#endif
