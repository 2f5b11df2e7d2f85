/* SPDX-License-Identifier: MIT */
/* unlink, unlinkat, remove: what another generation uses by now is as good as gone for this one. */
#include "base/interpose.h"

#include <fcntl.h>

#include "generation/paths.h"

EXPORT int unlink(const char *path)
{
	return paths_belong_elsewhere(AT_FDCWD, path) ? 0 : libc_calls.unlink(path);
}

EXPORT int unlinkat(int dir_fd, const char *path, int flags)
{
	if (!(flags & AT_REMOVEDIR) && paths_belong_elsewhere(dir_fd, path))
		return 0;
	return libc_calls.unlinkat(dir_fd, path, flags);
}

EXPORT int remove(const char *path)
{
	libc_calls_ensure();
	return paths_belong_elsewhere(AT_FDCWD, path) ? 0 : libc_calls.remove(path);
}
