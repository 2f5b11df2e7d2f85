/* SPDX-License-Identifier: MIT */
#include "kernel/socket_identity.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/raw_stat.h"

uint64_t socket_identity(int fd)
{
	const int saved = errno;
	struct stat now;
	const int result = raw_fstat(fd, &now);

	errno = saved;
	return result == 0 && S_ISSOCK(now.st_mode) ? now.st_ino : 0;
}
