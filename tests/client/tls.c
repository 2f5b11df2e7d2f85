/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>

static SSL_CTX *context;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

static void context_make(void)
{
	context = SSL_CTX_new(TLS_client_method());
	if (context)
		SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
}

void *tls_new(int fd)
{
	pthread_once(&context_once, context_make);
	SSL *ssl = context ? SSL_new(context) : NULL;
	if (!ssl)
		return NULL;
	SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* Many servers end without a close_notify. HTTP says itself whether it is complete, so that the
 * end of the TCP connection is as good (RFC 9112, 9.8). */
static bool is_plain_end(int error)
{
	unsigned long reason = ERR_peek_error();

	if (error == SSL_ERROR_SYSCALL && reason == 0 && errno == 0)
		return true;
	return error == SSL_ERROR_SSL && ERR_GET_LIB(reason) == ERR_LIB_SSL &&
	       ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/* What ERROR of SSL_get_error(3) stands for, NUMBER being errno then. */
static enum outcome outcome_from_tls(int error, int number)
{
	char text[256];

	if (error == SSL_ERROR_SYSCALL)
		return outcome_from_errno("tls", number);
	ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
	return outcome_report_other("tls", text);
}

ssize_t tls_move(void *tls, bool is_write, void *data, size_t len, short *ret_events,
                 enum outcome *ret_outcome)
{
	*ret_events = 0;
	ERR_clear_error();
	errno = 0;
	int moved = is_write ? SSL_write(tls, data, (int)len) : SSL_read(tls, data, (int)len);
	if (moved > 0)
		return moved;
	int number = errno;
	int error = SSL_get_error(tls, moved);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		*ret_events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
		return -1;
	}
	errno = number;
	if (error == SSL_ERROR_ZERO_RETURN || is_plain_end(error))
		return 0;
	*ret_outcome = outcome_from_tls(error, number);
	return -1;
}

enum outcome tls_check_open(void *tls)
{
	char byte;

	ERR_clear_error();
	errno = 0;
	int got = SSL_peek(tls, &byte, 1);
	int number = errno;
	int error = SSL_get_error(tls, got);
	if (got > 0 || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return OUTCOME_OK;
	errno = number;
	if (error == SSL_ERROR_ZERO_RETURN || is_plain_end(error))
		return OUTCOME_EOF;
	return outcome_from_tls(error, number);
}

void tls_free(void *tls)
{
	/* Says close_notify if there is room for it; not worth a wait. */
	if (SSL_is_init_finished(tls))
		SSL_shutdown(tls);
	SSL_free(tls);
	ERR_clear_error();
}
