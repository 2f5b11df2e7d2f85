/* SPDX-License-Identifier: MIT */
#include "kernel/passed_fds.h"

#include <stddef.h>
#include <string.h>

static void visit_each(const char *at, const char *end, void (*visit)(int fd))
{
	for (; (size_t)(end - at) >= sizeof(int); at += sizeof(int)) {
		int fd;

		memcpy(&fd, at, sizeof(fd));
		visit(fd);
	}
}

/* Walks as CMSG_NXTHDR() does (cmsg(3)), but reads each length once: another thread may change
 * it. */
void passed_fds_each(const struct msghdr *message, void (*visit)(int fd))
{
	const char *at = message->msg_control;
	size_t size = message->msg_controllen;

	while (at && size >= sizeof(struct cmsghdr)) {
		struct cmsghdr header;
		size_t step;

		memcpy(&header, at, sizeof(header));
		if (header.cmsg_len < sizeof(header) || header.cmsg_len > size)
			return;
		if (header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS)
			visit_each(at + CMSG_LEN(0), at + header.cmsg_len, visit);
		step = CMSG_ALIGN((size_t)header.cmsg_len);
		if (step >= size)
			return;
		at += step;
		size -= step;
	}
}
