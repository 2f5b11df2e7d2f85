/* SPDX-License-Identifier: MIT */
/* Owns the real functions of the TLS library that the program uses, if it uses one that is loaded as a library
 * (OpenSSL's libssl, and what has the same names): looked up at the first call, since a program that has
 * none must not be given one. */
#ifndef OCTOPUS_TLS_H
#define OCTOPUS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* OpenSSL's SSL, which is opaque here as there. */
typedef struct ssl_st SSL;

/* SSL_read(3), SSL_write(3), SSL_get_fd(3), SSL_pending(3). Those after the first two may be NULL: older and
 * other libraries lack them. */
struct tls_calls {
	int (*SSL_read)(SSL *ssl, void *buffer, int size);
	int (*SSL_write)(SSL *ssl, const void *bytes, int size);
	int (*SSL_read_ex)(SSL *ssl, void *buffer, size_t size, size_t *ret_size);
	int (*SSL_write_ex)(SSL *ssl, const void *bytes, size_t size, size_t *ret_size);
	ssize_t (*SSL_sendfile)(SSL *ssl, int fd, off_t offset, size_t size, int flags);
	int (*SSL_get_rfd)(const SSL *ssl);
	int (*SSL_get_wfd)(const SSL *ssl);
	int (*SSL_has_pending)(const SSL *ssl);
};

/* The functions behind the names for CALLER, an address in the program's or a library's code. NULL with errno
 * ENOSYS if no library has them. Context: normal. */
const struct tls_calls *tls_calls_for(const void *caller);

#endif
