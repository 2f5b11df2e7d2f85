/* SPDX-License-Identifier: MIT */
/* Owns how the server's threads wake from system calls that still hold a replaced listener. Each
 * call then starts again, on the socket that the descriptor means now. */
#ifndef OCTOPUS_WAKE_THREADS_H
#define OCTOPUS_WAKE_THREADS_H

/* Wakes the threads that wait in accept() on one of FDS, or in poll() or select() on anything,
 * because these two keep their files open while they sleep (epoll_wait does not). Wakes all threads
 * where the kernel does not say what they wait in. No call of the server fails: accept() restarts,
 * and the wrappers of poll and select go on. Context: any. */
void wake_threads(const int *fds, int count);

#endif
