/* SPDX-License-Identifier: MIT */
/* Wraps SSL_read, SSL_write and their like, which are read and write to a server that encrypts. The
 * library itself calls read and write, whose wrappers record only the last I/O. */
#include "base/interpose.h"

#include <errno.h>

#include "http/announce.h"
#include "http/observe.h"
#include "http/tls_library.h"

EXPORT int SSL_read(SSL *ssl, void *buffer, int size);
EXPORT int SSL_read_ex(SSL *ssl, void *buffer, size_t size, size_t *ret_size);
EXPORT int SSL_write(SSL *ssl, const void *bytes, int size);
EXPORT int SSL_write_ex(SSL *ssl, const void *bytes, size_t size, size_t *ret_size);
EXPORT ssize_t SSL_sendfile(SSL *ssl, int fd, off_t offset, size_t size, int flags);

/* An int counts the bytes, and leaves room for the edits. */
#define MOST_AT_ONCE (1 << 30)

#define CALLS() tls_library_for(__builtin_return_address(0))

/* Returns SSL's descriptor, or -1 where the library works in memory and the server does the I/O. */
static int mark(const struct tls_library *tls, SSL *ssl)
{
	const int saved = errno;
	const int fd = tls->SSL_get_wfd ? tls->SSL_get_wfd(ssl) : -1;

	errno = saved;
	observe_tls(fd);
	return fd;
}

EXPORT int SSL_read(SSL *ssl, void *buffer, int size)
{
	const struct tls_library *tls = CALLS();
	int fd, result;

	if (!tls)
		return -1;
	fd = mark(tls, ssl);
	tls_library_enter(tls, ssl);
	result = tls->SSL_read(ssl, buffer, size);
	tls_library_leave();
	if (result > 0)
		observe_received_tls(fd, buffer, (size_t)result);
	return result;
}

EXPORT int SSL_read_ex(SSL *ssl, void *buffer, size_t size, size_t *ret_size)
{
	const struct tls_library *tls = CALLS();
	int fd, result;

	if (!tls || !tls->SSL_read_ex)
		return 0;
	fd = mark(tls, ssl);
	tls_library_enter(tls, ssl);
	result = tls->SSL_read_ex(ssl, buffer, size, ret_size);
	tls_library_leave();
	if (result > 0)
		observe_received_tls(fd, buffer, *ret_size);
	return result;
}

struct target {
	const struct tls_library *tls;
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

/* PUT takes the bytes, edited while the connection is followed. SIZE is above 0. */
static int send_to(struct target *target, const void *bytes, int size, announce_put *put)
{
	const int fd = mark(target->tls, target->ssl);

	return observe_send_tls(fd, bytes, size, has_more(target), put, target);
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
	/* No server writes that much at once, so it goes unrecorded. */
	if (size == 0 || size > MOST_AT_ONCE)
		return target.tls->SSL_write_ex(ssl, bytes, size, ret_size);
	result = send_to(&target, bytes, (int)size, write_ex_to);
	if (result > 0)
		*ret_size = (size_t)result;
	return result > 0;
}

EXPORT ssize_t SSL_sendfile(SSL *ssl, int from, off_t offset, size_t size, int flags)
{
	const struct tls_library *tls = CALLS();
	ssize_t result;
	int fd;

	if (!tls || !tls->SSL_sendfile)
		return -1;
	fd = mark(tls, ssl);
	result = tls->SSL_sendfile(ssl, from, offset, size, flags);
	return observe_sent_file_tls(fd, result);
}
