/* SPDX-License-Identifier: MIT */
#include "kernel/trusted_peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/interpose.h"

pid_t trusted_peer(int fd)
{
	struct ucred who;
	socklen_t length = sizeof(who);

	if (libc_calls.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0)
		return 0;
	return who.uid == 0 || who.uid == geteuid() ? who.pid : 0;
}
