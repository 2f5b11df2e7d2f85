/* SPDX-License-Identifier: MIT */
#include "http/observe.h"

#include "http/announce.h"
#include "http/exchange.h"
#include "http/follow.h"
#include "http/tls_library.h"
#include "kernel/sandbox.h"

bool observe_is_followed(int fd)
{
	return follow_has_begun() && !sandbox_is_tight() && follow_follows(fd, false);
}

ssize_t observe_received_further(int fd, const struct iovec *parts, int count, ssize_t result)
{
	if (result > 0 && observe_is_followed(fd))
		follow_received(fd, parts, count, (size_t)result);
	if (result == 0)
		tls_library_reading_ended(fd);
	return result;
}

void observe_received_unseen(int fd, ssize_t result)
{
	if (result <= 0)
		return;
	exchange_received_unseen(fd, (size_t)result);
	if (observe_is_followed(fd))
		follow_forget(fd);
}

static void note_sent(int fd, const struct iovec *parts, int count, ssize_t result)
{
	if (result > 0)
		exchange_sent(fd, parts, count, (size_t)result);
}

ssize_t observe_sent_further(int fd, ssize_t result)
{
	if (result > 0 && observe_is_followed(fd))
		follow_again(fd);
	return result;
}

bool observe_send(int fd, const struct iovec *parts, int count, int flags, ssize_t *ret_result)
{
	bool has_sent;

	if (!observe_is_followed(fd))
		return false;
	follow_write_begins(fd);
	has_sent = announce_send(fd, parts, count, flags, ret_result);
	if (has_sent)
		note_sent(fd, parts, count, *ret_result);
	follow_write_ends(fd);
	return has_sent;
}

ssize_t observe_sent_file(int fd, ssize_t result)
{
	if (result <= 0)
		return result;
	exchange_sent_file(fd, (uint64_t)result);
	if (observe_is_followed(fd))
		follow_sent_file(fd, (uint64_t)result);
	return result;
}

static bool is_followed_in_tls(int fd)
{
	return follow_has_begun() && !sandbox_is_tight() && follow_follows(fd, true);
}

void observe_tls(int fd)
{
	if (exchange_is_tls(fd) && follow_has_begun())
		follow_again(fd);
}

void observe_received_tls(int fd, const void *bytes, size_t size)
{
	exchange_received_tls(fd, bytes, size);
	if (is_followed_in_tls(fd))
		follow_received(fd, &(struct iovec){(void *)bytes, size}, 1, size);
}

int observe_send_tls(int fd, const void *bytes, int size, bool has_more, announce_put *put,
                     void *context)
{
	const struct exchange *entry = exchange_of(fd);
	/* The library's own write of the encrypted bytes is recorded as well. */
	const enum last_io before = entry ? exchange_last_io(entry) : IO_NONE;
	const bool was_followed = is_followed_in_tls(fd);
	int result;

	if (was_followed)
		follow_write_begins(fd);
	result = was_followed ? announce_send_tls(fd, bytes, size, has_more, put, context)
	                      : put(context, bytes, size);
	if (result > 0)
		exchange_sent_tls(fd, before, bytes, (size_t)result);
	if (was_followed)
		follow_write_ends(fd);
	else if (is_followed_in_tls(fd))
		follow_again(fd);
	return result;
}

ssize_t observe_sent_file_tls(int fd, ssize_t result)
{
	if (result <= 0)
		return result;
	exchange_sent_file_tls(fd, (uint64_t)result);
	if (is_followed_in_tls(fd))
		follow_sent_file(fd, (uint64_t)result);
	return result;
}
