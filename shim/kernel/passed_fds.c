/* SPDX-License-Identifier: MIT */
#include "kernel/passed_fds.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/interpose.h"

/* What a message has besides its bytes. */
union control {
	char room[CMSG_SPACE(PASSED_FDS_MOST * sizeof(int))];
	struct cmsghdr header; /* for its alignment */
};

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

int passed_fds_send(int fd, const void *bytes, size_t size, const int *fds, int count)
{
	struct iovec data = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	union control control = {.room = {0}};

	if (count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, (size_t)count * sizeof(int));
	}
	if (libc_calls.sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

/* Room for more than PASSED_FDS_MOST there is not: the kernel closes the rest (unix(7),
 * MSG_CTRUNC). */
static int take_fds(const union control *control, size_t length, int fds[PASSED_FDS_MOST])
{
	size_t size;

	if (length < CMSG_LEN(sizeof(int)) || control->header.cmsg_type != SCM_RIGHTS)
		return 0;
	size = control->header.cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(&control->header), size);
	return (int)(size / sizeof(int));
}

int passed_fds_receive(int fd, void *bytes, size_t size, int fds[PASSED_FDS_MOST])
{
	struct iovec data = {.iov_base = bytes, .iov_len = size};
	union control control = {.room = {0}};
	struct msghdr message = {.msg_iov = &data,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof(control)};
	const ssize_t length = libc_calls.recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	int count;

	if (length < 0)
		return -errno;
	count = take_fds(&control, message.msg_controllen, fds);
	if ((size_t)length == size && !(message.msg_flags & MSG_TRUNC))
		return count;
	while (count > 0)
		libc_calls.close(fds[--count]);
	return -EPROTO;
}
