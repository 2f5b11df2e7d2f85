/* SPDX-License-Identifier: MIT */
/* Owns what a process of a new version inherits: where it has it from, and which process has claimed what.
 * The process that was born has it by descriptor (waiting.h), and each execve passes that on; another one
 * asks the predecessor's broker (ask.h) for each listener that it binds. */
#ifndef OCTOPUS_INHERITANCE_H
#define OCTOPUS_INHERITANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generation/birth.h"

/* Where this process has its listeners from: unknown until it binds, from nowhere, from its predecessor by
 * descriptor, or from the predecessor's broker (broker.h). */
enum inheritance_source { SOURCE_UNKNOWN, SOURCE_NONE, SOURCE_DESCRIPTORS, SOURCE_BROKER };

extern _Atomic int inheritance_source;

/* True until this process knows whether it inherits anything. Context: any. */
static inline bool inheritance_is_unknown(void)
{
	return atomic_load_explicit(&inheritance_source, memory_order_relaxed) == SOURCE_UNKNOWN;
}

/* True if a bind() may find an inherited listener. Context: any. */
static inline bool inheritance_may_be_found(void)
{
	return atomic_load_explicit(&inheritance_source, memory_order_relaxed) > SOURCE_NONE;
}

/* In a process without a variable, once: looks whether an ancestor is being replaced, and sets
 * generation.birth and generation.lineage if so. Leaves errno alone. Context: any. */
bool inheritance_look(void);

/* Sees to it that this process has the words of its birth. Returns false if it has none.
 * Leaves errno alone. Context: any. */
bool inheritance_join(void);

/* Accepts the hand-over that VALUE (of HANDOVER_VARIABLE) names (variable.h); *ret_passed_on says
 * whether another program has passed it on. Sets generation.birth and generation.lineage if the words
 * and the manifest are good. Refuses whatever is not as the manifest says, leaves it alone, and says
 * so by COMPLAIN, which formats as text_format() does. Context: init. */
void inheritance_receive(const char *value, bool *ret_passed_on,
                         void (*complain)(const char *format, ...));

/* Claims listener INDEX for this process. Returns false if a live process has claimed it, or the broker
 * does not give it. Context: any. */
bool inheritance_claim(uint32_t index);

/* True if no live process has claimed listener INDEX, and none has replaced it. Context: any. */
bool inheritance_is_unclaimed(uint32_t index);

/* True if this program was handed the inheritance, or has claimed a listener of it, here or in the process
 * that forked this one. Context: any. */
bool inheritance_was_given(void);

/* True if the listener IDENTITY (socket_identity.h) is inherited, and this process has claimed it: then an ancestor
 * has not bound it, although it may hold it. Context: any. */
bool inheritance_is_own_claim(uint64_t identity);

/* True if listener INDEX waits in this process, or may be had from the broker. Context: any. */
bool inheritance_is_here(uint32_t index);

/* The listener that was claimed last is in its place. Context: any. */
void inheritance_taken(void);

/* Another listener is where clients looked for listener INDEX: nobody will claim that, and it counts as claimed
 * from then on. The predecessor serves its queue, and ends it. Does nothing if a process has claimed it.
 * Context: any. */
void inheritance_replace(uint32_t index);

/* This process leads: what the predecessor has kept (base/kept_fd.h) is kept here from now on. Leaves
 * errno alone. Context: normal. */
void inheritance_take_kept(void);

/* True if a process has claimed listener INDEX, or another one has replaced it. Context: any. */
bool inheritance_is_claimed(uint32_t index);

/* True if another listener is where clients looked for listener INDEX. Context: any. */
bool inheritance_is_replaced(uint32_t index);

/* The new version is ready: closes the descriptors that still wait in this process, and takes from those that
 * were claimed what it did not want (shared_port.h). Context: any. */
void inheritance_close_rest(void);

/* In the child that a process forked before it listened: it inherits nothing, but may ask the broker, if
 * there is one. Context: any. */
void inheritance_forked(void);

/* True if what is executed goes on with the birth. While a broker answers, only what the process that was
 * born becomes does, and not what it starts beside itself (TO_CHILD). After that a wrapper that starts its
 * server again hands it the listeners again, and where there was no broker all inherit them; but nobody who
 * has become another user. Context: any. */
bool inheritance_may_be_passed_on(bool to_child);

/* With ALLOW, before an execve: makes the descriptors survive it, and writes HANDOVER_VARIABLE,
 * which names the words of the birth, into ENTRY. Without ALLOW, after an execve that failed: makes them
 * close-on-exec again. Context: any (a vfork child too). */
void inheritance_pass_on(bool allow, char *entry, size_t size);

#endif
