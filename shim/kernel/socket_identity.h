/* SPDX-License-Identifier: MIT */
/* Owns what tells a socket from another one that has its number later. A descriptor is closed in
 * ways that no wrapper sees (fclose(3), freopen(3), a system call past libc), so what the library
 * remembers of a number counts only while the number means the same socket. */
#ifndef OCTOPUS_SOCKET_IDENTITY_H
#define OCTOPUS_SOCKET_IDENTITY_H

#include <stdint.h>

/* Returns the identity of the socket FD: its inode, which the kernel gives to no other socket while
 * this one is open (sockfs, net/socket.c), and to hardly any afterwards. Returns 0 if FD is closed
 * or no socket. A dup has the same identity. Leaves errno alone. Context: any. */
uint64_t socket_identity(int fd);

#endif
