/* SPDX-License-Identifier: MIT */
/* Listeners: which descriptors of this process listen, what address they have, and who else in the
 * system still accepts on them. Asked of the kernel each time; no table is kept. */
#ifndef OCTOPUS_LISTENERS_H
#define OCTOPUS_LISTENERS_H

#include <stdbool.h>

/* True if FD is a socket that listens (SO_ACCEPTCONN, socket(7)). Leaves errno alone. Context: any. */
bool listeners_is_listening(int fd);

/* True if FD is a socket of the family AF_UNIX. Context: any. */
bool listeners_is_unix(int fd);

/* Fills FDS with the listening descriptors in ascending order, one for each socket (a dup is left
 * out). Returns how many, at most MOST. Context: any. */
int listeners_find(int *fds, int most);

/* Says to the other generations that this process accepts on FD: a read lock (fcntl(2), F_SETLK) on
 * the socket. The kernel drops it when the process ends or lets the listener go, it is not
 * inherited by fork, and all who share the socket can ask for it. Context: any. */
void listeners_mark_held(int fd);

/* True if another process has marked FD as held. Context: any. */
bool listeners_is_held_elsewhere(int fd);

#endif
