/* SPDX-License-Identifier: MIT */
/* Wraps unlink, unlinkat and remove. A path that another generation uses by now stays; the call
 * succeeds nevertheless. */
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
