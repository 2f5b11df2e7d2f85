/* SPDX-License-Identifier: MIT */
/* Wraps unlink, unlinkat and remove. A path that another generation uses by now stays; the call
 * succeeds nevertheless. */
#include "base/interpose.h"
#include "base/raw_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "control/activation.h"
#include "control/candidate.h"
#include "generation/paths.h"
#include "upgrade/inheritance.h"

/* A server that inherits nothing by descriptor may remove the path of a listener that it is about to
 * bind. */
static void look(int dir_fd, const char *path)
{
	const int saved = errno;
	struct stat what;

	if (raw_fstatat(dir_fd, path, &what, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(what.st_mode))
		candidate_look(-1);
	errno = saved;
}

static bool belongs_elsewhere(int dir_fd, const char *path)
{
	if (inheritance_is_unknown() && activation_is_awaited())
		look(dir_fd, path);
	return paths_belong_elsewhere(dir_fd, path);
}

EXPORT int unlink(const char *path)
{
	return belongs_elsewhere(AT_FDCWD, path) ? 0 : libc_calls.unlink(path);
}

EXPORT int unlinkat(int dir_fd, const char *path, int flags)
{
	if (!(flags & AT_REMOVEDIR) && belongs_elsewhere(dir_fd, path))
		return 0;
	return libc_calls.unlinkat(dir_fd, path, flags);
}

EXPORT int remove(const char *path)
{
	libc_calls_ensure();
	return belongs_elsewhere(AT_FDCWD, path) ? 0 : libc_calls.remove(path);
}
