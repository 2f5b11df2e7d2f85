/* SPDX-License-Identifier: MIT */
/* SSL_read, SSL_write and their like: what read and write are to a server that encrypts. The calls below them go
 * through read and write as well, and are noted there; what they carry is not looked at. */
#include "interpose.h"

#include <errno.h>

#include "farewell.h"
#include "tls.h"
#include "traffic.h"

EXPORT int SSL_read(SSL *ssl, void *buffer, int size);
EXPORT int SSL_read_ex(SSL *ssl, void *buffer, size_t size, size_t *ret_size);
EXPORT int SSL_write(SSL *ssl, const void *bytes, int size);
EXPORT int SSL_write_ex(SSL *ssl, const void *bytes, size_t size, size_t *ret_size);
EXPORT ssize_t SSL_sendfile(SSL *ssl, int fd, off_t offset, size_t size, int flags);

/* An int counts them, and what is added has to fit in. */
#define MOST_AT_ONCE (1 << 30)

#define CALLS() tls_calls_for(__builtin_return_address(0))

/* -1 where the library reads and writes memory, and the server does the rest. */
static int mark(const struct tls_calls *tls, SSL *ssl)
{
	const int saved = errno;
	const int fd = tls->SSL_get_wfd ? tls->SSL_get_wfd(ssl) : -1;
	struct traffic_entry *entry = traffic_of(fd);

	errno = saved;
	if (entry)
		atomic_store_explicit(&entry->is_tls, true, memory_order_relaxed);
	return fd;
}

static void received(const struct tls_calls *tls, SSL *ssl, void *buffer, size_t size)
{
	const int fd = mark(tls, ssl);

	if (UNLIKELY(farewell_is_on) && farewell_follows(fd, true))
		farewell_received(fd, &(struct iovec){buffer, size}, 1, size);
}

/* What was the last move before the library wrote what it made of these bytes. */
static enum last_move last_move_of(int fd)
{
	const struct traffic_entry *entry = traffic_of(fd);

	return entry ? traffic_last_move(entry) : MOVE_NONE;
}

/* The write below has noted that something was sent; what it was can only be seen here. */
static void sent(int fd, enum last_move before, const void *bytes, size_t size)
{
	if (before == MOVE_RECEIVED)
		traffic_received(fd);
	traffic_sent(fd, bytes, size);
}

EXPORT int SSL_read(SSL *ssl, void *buffer, int size)
{
	const struct tls_calls *tls = CALLS();
	int result;

	if (!tls)
		return -1;
	result = tls->SSL_read(ssl, buffer, size);
	if (result > 0)
		received(tls, ssl, buffer, (size_t)result);
	return result;
}

EXPORT int SSL_read_ex(SSL *ssl, void *buffer, size_t size, size_t *ret_size)
{
	const struct tls_calls *tls = CALLS();
	int result;

	if (!tls || !tls->SSL_read_ex)
		return 0;
	result = tls->SSL_read_ex(ssl, buffer, size, ret_size);
	if (result > 0)
		received(tls, ssl, buffer, *ret_size);
	return result;
}

struct target {
	const struct tls_calls *tls;
	SSL *ssl;
};

static int write_to(void *context, const void *bytes, int size)
{
	const struct target *target = context;

	return target->tls->SSL_write(target->ssl, bytes, size);
}

static int write_ex_to(void *context, const void *bytes, int size)
{
	const struct target *target = context;
	size_t written;

	return target->tls->SSL_write_ex(target->ssl, bytes, (size_t)size, &written) ? (int)written
	                                                                             : 0;
}

static bool has_more(const struct target *target)
{
	return !target->tls->SSL_has_pending || target->tls->SSL_has_pending(target->ssl);
}

static bool is_followed(int fd)
{
	return UNLIKELY(farewell_is_on) && farewell_follows(fd, true);
}

/* The connection was not followed when the write began. */
static int write_unseen(const struct target *target, int fd, const void *bytes, int size)
{
	const int result = target->tls->SSL_write(target->ssl, bytes, size);

	if (is_followed(fd))
		farewell_missed_write(fd);
	return result;
}

EXPORT int SSL_write(SSL *ssl, const void *bytes, int size)
{
	struct target target = {CALLS(), ssl};
	enum last_move before;
	int fd, result;

	if (!target.tls)
		return -1;
	fd = mark(target.tls, ssl);
	before = last_move_of(fd);
	if (is_followed(fd) && size > 0)
		result = farewell_send_tls(fd, bytes, size, has_more(&target), write_to, &target);
	else
		result = write_unseen(&target, fd, bytes, size);
	if (result > 0)
		sent(fd, before, bytes, (size_t)result);
	return result;
}

EXPORT int SSL_write_ex(SSL *ssl, const void *bytes, size_t size, size_t *ret_size)
{
	struct target target = {CALLS(), ssl};
	enum last_move before;
	int fd, result;

	if (!target.tls || !target.tls->SSL_write_ex)
		return 0;
	fd = mark(target.tls, ssl);
	before = last_move_of(fd);
	if (is_followed(fd) && size > 0 && size <= MOST_AT_ONCE) {
		result = farewell_send_tls(fd, bytes, (int)size, has_more(&target), write_ex_to,
		                           &target);
		if (result > 0)
			*ret_size = (size_t)result;
		result = result > 0;
	} else {
		result = target.tls->SSL_write_ex(ssl, bytes, size, ret_size);
		if (is_followed(fd))
			farewell_missed_write(fd);
	}
	if (result > 0)
		sent(fd, before, bytes, *ret_size);
	return result;
}

EXPORT ssize_t SSL_sendfile(SSL *ssl, int from, off_t offset, size_t size, int flags)
{
	const struct tls_calls *tls = CALLS();
	ssize_t result;
	int fd;

	if (!tls || !tls->SSL_sendfile)
		return -1;
	fd = mark(tls, ssl);
	result = tls->SSL_sendfile(ssl, from, offset, size, flags);
	if (result <= 0)
		return result;
	traffic_sent(fd, "", 0);
	if (is_followed(fd))
		farewell_sent_file(fd, (uint64_t)result);
	return result;
}
