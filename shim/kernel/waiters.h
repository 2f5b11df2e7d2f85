/* SPDX-License-Identifier: MIT */
/* Owns the question on which listeners other threads of this process wait, asked of the kernel
 * (/proc/self/task/TID/syscall and /proc/self/fdinfo, proc(5)). A listener may be added to an epoll set
 * in which a thread has slept for long: no call of that thread's tells of it. */
#ifndef OCTOPUS_WAITERS_H
#define OCTOPUS_WAITERS_H

/* Calls VISIT for each listener on which a thread other than the calling one sleeps, in
 * accept() or in epoll_wait(); perhaps more than once. Not for those in poll() or select(): a listener
 * cannot come into these while a thread sleeps there. Where the kernel does not say in which call a
 * thread sleeps (in a process that has dropped root, say), a listener in an epoll set counts.
 * Does nothing if there are fewer than AT_LEAST such threads. Returns how many there are, or -errno.
 * Context: any. */
int waiters_each_listener(int at_least, void (*visit)(int fd, void *context), void *context);

#endif
