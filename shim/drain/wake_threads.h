/* SPDX-License-Identifier: MIT */
/* Wakes the server's threads out of system calls that still hold a listener which has been replaced,
 * so that the call starts anew on what the number means now. */
#ifndef OCTOPUS_WAKE_THREADS_H
#define OCTOPUS_WAKE_THREADS_H

/* Wakes those that wait in accept() on one of FDS, or in poll() or select() on anything (these two
 * keep every file of theirs open while they sleep; epoll_wait does not). Where the kernel does not
 * say what a thread waits in, all are woken. No call of the server fails by it: accept() restarts,
 * and the wrappers of poll and select go on. Context: the controller. */
void wake_threads(const int *fds, int count);

#endif
