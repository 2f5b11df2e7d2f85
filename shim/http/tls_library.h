/* SPDX-License-Identifier: MIT */
/* Owns the real functions of the shared TLS library that the program uses, if any: OpenSSL's
 * libssl, or a library with the same names. The first call resolves them. No call loads a library
 * into a program that has none. */
#ifndef OCTOPUS_TLS_LIBRARY_H
#define OCTOPUS_TLS_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* OpenSSL's opaque SSL. */
typedef struct ssl_st SSL;

/* SSL_read(3), SSL_write(3), SSL_get_fd(3), SSL_pending(3). All but the first two may be NULL,
 * because older and other libraries lack them. */
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

/* The real functions for CALLER, an address in the code of the program or of a library. Returns
 * NULL with errno ENOSYS if no library has them. Context: normal. */
const struct tls_library *tls_library_for(const void *caller);

/* These two bracket a call that reads from SSL. Context: normal. */
void tls_library_enter(const struct tls_library *tls, SSL *ssl);
void tls_library_leave(void);

/* A read from FD has found the end. If a TLS library made that read, and the drain has shut the
 * reading side down, this makes the library accept an end without the client's alert, so that the
 * server closes in its own way (SSL_OP_IGNORE_UNEXPECTED_EOF, SSL_CTX_set_options(3)).
 * Context: normal. */
void tls_library_reading_ended(int fd);

#endif
