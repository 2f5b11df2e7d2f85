/* SPDX-License-Identifier: MIT */
#include "upgrade/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/interpose.h"
#include "base/raw_stat.h"
#include "generation/start_image.h"
#include "kernel/listeners.h"
#include "kernel/socket_options.h"

/* Octopus does not trust the manifest: a server must not find itself on another port. */
static bool is_at_its_address(int fd, const struct inherited_listener *listener)
{
	struct sockaddr_storage own = {0};
	socklen_t length = sizeof(own);

	return listener->address_length <= sizeof(listener->address) &&
	       libc_calls.getsockname(fd, (void *)&own, &length) == 0 &&
	       length == listener->address_length && memcmp(&own, &listener->address, length) == 0;
}

const char *inherited_fault(int fd, const struct inherited_listener *listener)
{
	if (fcntl(fd, F_GETFD) < 0)
		return "it is not open";
	if (socket_option_int(fd, SOL_SOCKET, SO_TYPE) == -ENOTSOCK)
		return "it is not a socket";
	if (socket_option_int(fd, SOL_SOCKET, SO_DOMAIN) != listener->family)
		return "it is of another family";
	if (socket_option_int(fd, SOL_SOCKET, SO_TYPE) != listener->type)
		return "it is of another type";
	if (!listeners_is_listening(fd))
		return "it does not listen";
	if (!is_at_its_address(fd, listener))
		return "it listens on another address";
	return NULL;
}

const char *inherited_kept_fault(int fd, enum kept which)
{
	const int flags = fcntl(fd, F_GETFL);
	struct stat what;

	if (flags < 0 || raw_fstat(fd, &what) != 0)
		return "it is not open";
	if (!S_ISREG(what.st_mode))
		return "it is no regular file";
	if (which == KEPT_LOG && (!(flags & O_APPEND) || (flags & O_ACCMODE) == O_RDONLY))
		return "it is not open to append";
	if (which == KEPT_PIDFILE && (flags & O_ACCMODE) != O_RDWR)
		return "it is not open to read and write";
	return NULL;
}

void inherited_explain(const char *value, int error, const char *release,
                       void (*complain)(const char *, ...))
{
	const char *fault = error == -EPROTO  ? "not the page of a generation"
	                    : error == -EBADF ? "no such descriptor"
	                                      : "the page cannot be mapped";

	if (error == -EPROTONOSUPPORT)
		complain(
			"Ignored " HANDOVER_VARIABLE
			"=\"%.64s\": the predecessor runs liboctopus.so %s, this one is %s. Starting without a hand-over.",
			value, release, OCTOPUS_VERSION);
	else
		complain("Ignored " HANDOVER_VARIABLE
		         "=\"%.64s\": %s. Starting without a hand-over.",
		         value, fault);
}
