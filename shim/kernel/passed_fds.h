/* SPDX-License-Identifier: MIT */
/* Owns the look at what recvmsg(2) has received besides bytes: the descriptors that another process
 * has passed (unix(7), SCM_RIGHTS). */
#ifndef OCTOPUS_PASSED_FDS_H
#define OCTOPUS_PASSED_FDS_H

#include <sys/socket.h>

/* Calls VISIT for each descriptor that came with MESSAGE, as a successful recvmsg() has left it. The
 * descriptors are the server's. Context: any. */
void passed_fds_each(const struct msghdr *message, void (*visit)(int fd));

#endif
