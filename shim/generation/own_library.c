/* SPDX-License-Identifier: MIT */
#include "generation/own_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/text.h"
#include "generation/start_image.h"

/* The loader's own copy, which stays. NULL: not known. */
static const char *path;

void own_library_find(void)
{
	Dl_info info;

	if (dladdr(&path, &info) && info.dli_fname && strchr(info.dli_fname, '/'))
		path = info.dli_fname;
}

int own_library_check(char *buffer, size_t size)
{
	int fd, error;

	if (!path || (path[0] != '/' && !start_image.directory))
		return 0;
	text_format(buffer, size, "%s%s%s", path[0] == '/' ? "" : start_image.directory,
	            path[0] == '/' ? "" : "/", path);
	own_fd_begin();
	fd = open(buffer, O_RDONLY | O_CLOEXEC);
	error = fd < 0 ? -errno : 0;
	if (fd >= 0)
		libc_calls.close(fd);
	own_fd_end();
	return error;
}
