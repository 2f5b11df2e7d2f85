/* SPDX-License-Identifier: MIT */
/* SSL_read, SSL_write and their like: what read and write are to a server that encrypts. The calls below them go
 * through read and write as well, and are noted there; what they carry is not looked at. */
#include "base/interpose.h"

#include <errno.h>

#include "http/farewell.h"
#include "http/tls.h"
#include "http/traffic.h"

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

	errno = saved;
	if (traffic_is_tls(fd) && farewell_has_begun())
		farewell_begin_anew(fd);
	return fd;
}

static bool is_followed(int fd)
{
	return farewell_has_begun() && farewell_follows(fd, true);
}

static void received(int fd, const void *buffer, size_t size)
{
	traffic_received_tls(fd, buffer, size);
	if (is_followed(fd))
		farewell_received(fd, &(struct iovec){(void *)buffer, size}, 1, size);
}

/* What was the last move before the library wrote what it made of these bytes. */
static enum last_move last_move_of(int fd)
{
	const struct traffic_entry *entry = traffic_of(fd);

	return entry ? traffic_last_move(entry) : MOVE_NONE;
}

EXPORT int SSL_read(SSL *ssl, void *buffer, int size)
{
	const struct tls_calls *tls = CALLS();
	int fd, result;

	if (!tls)
		return -1;
	fd = mark(tls, ssl);
	tls_enter(tls, ssl);
	result = tls->SSL_read(ssl, buffer, size);
	tls_leave();
	if (result > 0)
		received(fd, buffer, (size_t)result);
	return result;
}

EXPORT int SSL_read_ex(SSL *ssl, void *buffer, size_t size, size_t *ret_size)
{
	const struct tls_calls *tls = CALLS();
	int fd, result;

	if (!tls || !tls->SSL_read_ex)
		return 0;
	fd = mark(tls, ssl);
	tls_enter(tls, ssl);
	result = tls->SSL_read_ex(ssl, buffer, size, ret_size);
	tls_leave();
	if (result > 0)
		received(fd, buffer, *ret_size);
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

/* WRITE takes the bytes, or, while the connection is followed, what becomes of them. SIZE is above 0. */
static int send_to(struct target *target, const void *bytes, int size, farewell_write *write)
{
	const int fd = mark(target->tls, target->ssl);
	const enum last_move before = last_move_of(fd);
	const bool was_followed = is_followed(fd);
	const int result =
		was_followed ? farewell_send_tls(fd, bytes, size, has_more(target), write, target)
			     : write(target, bytes, size);

	if (result > 0)
		traffic_sent_tls(fd, before, bytes, (size_t)result);
	if (!was_followed && is_followed(fd))
		farewell_begin_anew(fd);
	return result;
}

EXPORT int SSL_write(SSL *ssl, const void *bytes, int size)
{
	struct target target = {CALLS(), ssl};

	if (!target.tls)
		return -1;
	return size > 0 ? send_to(&target, bytes, size, write_to)
	                : target.tls->SSL_write(ssl, bytes, size);
}

EXPORT int SSL_write_ex(SSL *ssl, const void *bytes, size_t size, size_t *ret_size)
{
	struct target target = {CALLS(), ssl};
	int result;

	if (!target.tls || !target.tls->SSL_write_ex)
		return 0;
	/* Nobody writes that much at once; its content would not be recorded. */
	if (size == 0 || size > MOST_AT_ONCE)
		return target.tls->SSL_write_ex(ssl, bytes, size, ret_size);
	result = send_to(&target, bytes, (int)size, write_ex_to);
	if (result > 0)
		*ret_size = (size_t)result;
	return result > 0;
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
	traffic_sent_file_tls(fd, (uint64_t)result);
	if (is_followed(fd))
		farewell_sent_file(fd, (uint64_t)result);
	return result;
}
