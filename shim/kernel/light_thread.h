/* SPDX-License-Identifier: MIT */
/* Owns the one thread that the library may have in a process. It exists only while it has something
 * to do, and can be made in a signal handler: by clone(2), with a stack and a thread pointer that
 * were mapped beforehand (thread_storage.h). libc does not know of it, so it must not call what
 * allocates, takes a lock, formats or asks for a locale. */
#ifndef OCTOPUS_LIGHT_THREAD_H
#define OCTOPUS_LIGHT_THREAD_H

#include <stdbool.h>

/* Maps what the thread needs. RUN is its function; the thread ends when it returns. A second call
 * does nothing. Returns 0 or -errno. Context: any. */
int light_thread_prepare(void (*run)(void));

/* Makes the thread, with all signals blocked, unless it is there. Returns 1 if it was there, 0, or
 * -errno. -ENODATA: it is not prepared. Context: any. */
int light_thread_start(void);

/* True if the thread is there. Context: any. */
bool light_thread_exists(void);

/* The thread wants to end. Blocks all its signals. Returns false if HAS_NEWS then says that there
 * is more to do: the thread goes on. If it returns true, RUN must return. A light_thread_start()
 * after HAS_NEWS was asked makes a new thread. Context: the
 * controller. */
bool light_thread_may_end(bool (*has_news)(void));

/* In the child of a fork, which has no such thread, and gets none before it is prepared.
 * Context: any. */
void light_thread_forked(void);

#endif
