/* SPDX-License-Identifier: MIT */
/* Owns the real functions of the TLS library that the program uses, if it uses one that is loaded as a library
 * (OpenSSL's libssl, and what has the same names): looked up at the first call, since a program that has
 * none must not be given one. */
#ifndef OCTOPUS_TLS_LIBRARY_H
#define OCTOPUS_TLS_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* OpenSSL's SSL, which is opaque here as there. */
typedef struct ssl_st SSL;

/* SSL_read(3), SSL_write(3), SSL_get_fd(3), SSL_pending(3). Those after the first two may be NULL: older and
 * other libraries lack them. */
struct tls_library {
	int (*SSL_read)(SSL *ssl, void *buffer, int size);
	int (*SSL_write)(SSL *ssl, const void *bytes, int size);
	int (*SSL_read_ex)(SSL *ssl, void *buffer, size_t size, size_t *ret_size);
	int (*SSL_write_ex)(SSL *ssl, const void *bytes, size_t size, size_t *ret_size);
	ssize_t (*SSL_sendfile)(SSL *ssl, int fd, off_t offset, size_t size, int flags);
	int (*SSL_get_rfd)(const SSL *ssl);
	int (*SSL_get_wfd)(const SSL *ssl);
	int (*SSL_has_pending)(const SSL *ssl);
	uint64_t (*SSL_set_options)(SSL *ssl, uint64_t options);
};

/* The functions behind the names for CALLER, an address in the program's or a library's code. NULL with errno
 * ENOSYS if no library has them. Context: normal. */
const struct tls_library *tls_library_for(const void *caller);

/* Around a call that reads from SSL. Context: normal. */
void tls_library_enter(const struct tls_library *tls, SSL *ssl);
void tls_library_leave(void);

/* A read from FD has found the end. If a TLS library wants to know, and it was the drain that ended the reading
 * side, then the library is not to take it for an attack: the client has no alert to get, and the server closes
 * in its way (SSL_OP_IGNORE_UNEXPECTED_EOF, SSL_CTX_set_options(3)). Context: normal. */
void tls_library_reading_ended(int fd);

#endif
