/* SPDX-License-Identifier: MIT */
/* Owns the thread-local storage of the library's own thread, of which libc does not know: what the
 * thread pointer of such a thread must find. The variables of all libraries that were loaded at the
 * start have their first values there, as in any new thread, because a call of ours may come to
 * another preloaded library before it comes to libc. */
#ifndef OCTOPUS_THREAD_STORAGE_H
#define OCTOPUS_THREAD_STORAGE_H

/* Maps the storage of one thread. Returns its thread pointer, or NULL without memory. In a signal handler, too:
 * the lock that dl_iterate_phdr(3) takes may be taken again by the thread that has it, and who has it waits for
 * nobody. Context: any. */
char *thread_storage_make(void);

#endif
