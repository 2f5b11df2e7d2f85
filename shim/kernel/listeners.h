/* SPDX-License-Identifier: MIT */
/* Owns the search for the listeners of this process, and the marks that show which processes accept
 * on a shared listener. It asks the kernel each time and keeps no table. */
#ifndef OCTOPUS_LISTENERS_H
#define OCTOPUS_LISTENERS_H

#include <stdbool.h>

/* True if FD is a listening socket (SO_ACCEPTCONN, socket(7)). Leaves errno alone. Context: any. */
bool listeners_is_listening(int fd);

/* True if FD is an AF_UNIX socket. May change errno. Context: any. */
bool listeners_is_unix(int fd);

/* Fills FDS with the listening descriptors in ascending order, one for each socket (it leaves a dup
 * out). The descriptors stay the server's. Returns how many it found, at most MOST.
 * Context: any. */
int listeners_find(int *fds, int most);

/* Marks for the other generations that this process accepts on FD, by a read lock on the socket
 * (fcntl(2), F_SETLK). Every process that shares the socket can query the lock, and a fork does not
 * inherit it. The kernel drops it when the process ends or closes any descriptor of that socket.
 * Leaves errno alone. Context: any. */
void listeners_mark_held(int fd);

/* True if another process has marked FD as held. May change errno. Context: any. */
bool listeners_is_held_elsewhere(int fd);

/* Returns the pid of another process that has marked FD as held, or 0. May change errno.
 * Context: any. */
int listeners_holder(int fd);

/* Processes that share FD elect one of themselves: true in the first that asks for PLACE (>= 0, the
 * same for all of them), as long as it lives and keeps the socket, by a write lock beside the marks.
 * May change errno. Context: any. */
bool listeners_elect(int fd, int place);

/* O_NONBLOCK belongs to the open file, which generations share. Where the server made a listener
 * blocking and an accept() must not wait all the same, the library unblocks the listener: it sets
 * O_NONBLOCK, and beside it O_APPEND, which means nothing to a socket and tells every process that
 * shares the file who did it. */

/* Unblocks FD if it is a listener that blocks. Returns true if it is unblocked now. Context: any. */
bool listeners_unblock(int fd);

/* Makes FD block again, as the server made it. Context: any. */
void listeners_block_again(int fd);

/* True if the library has unblocked FD. Leaves errno alone. Context: any. */
bool listeners_is_unblocked(int fd);

/* True if the library, in any process, has unblocked a listener of this one. Context: any. */
bool listeners_any_unblocked(void);

/* True if FD blocks, or the server believes so. Context: any. */
bool listeners_is_blocking(int fd);

#endif
