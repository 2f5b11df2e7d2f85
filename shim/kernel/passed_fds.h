/* SPDX-License-Identifier: MIT */
/* Owns the descriptors that one process passes to another besides bytes (unix(7), SCM_RIGHTS): how
 * the library sends and receives its own, and the look at what the server has received. */
#ifndef OCTOPUS_PASSED_FDS_H
#define OCTOPUS_PASSED_FDS_H

#include <stddef.h>
#include <sys/socket.h>

#define PASSED_FDS_MOST 2

/* Calls VISIT for each descriptor that came with MESSAGE, as a successful recvmsg() has left it. The
 * descriptors are the server's. Context: any. */
void passed_fds_each(const struct msghdr *message, void (*visit)(int fd));

/* Sends SIZE bytes and the COUNT descriptors in FDS, which stay the caller's, as one message over the
 * SOCK_SEQPACKET socket FD. Does not wait, and raises no SIGPIPE. Returns 0 or -errno.
 * Context: any. */
int passed_fds_send(int fd, const void *bytes, size_t size, const int *fds, int count);

/* Receives one message of exactly SIZE bytes, and the descriptors that came with it: as many as
 * PASSED_FDS_MOST, close-on-exec; they are the caller's. Returns their number, -EPROTO for any other
 * message, whose descriptors are closed, or -errno. Context: any. */
int passed_fds_receive(int fd, void *bytes, size_t size, int fds[PASSED_FDS_MOST]);

#endif
