/* SPDX-License-Identifier: MIT */
#include "http/tls_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>

#include "base/interpose.h"
#include "http/exchange.h"

/* OpenSSL 3's value. An older OpenSSL does not check the end so strictly, and ignores the bit. */
#define IGNORE_UNEXPECTED_EOF (1u << 7)

/* The call that this thread is making. */
static __thread struct {
	const struct tls_library *tls;
	SSL *ssl;
} reading;

static struct tls_library calls;
static _Atomic bool is_found;

/* RTLD_NEXT does not find a library that was opened for its user alone (RTLD_LOCAL, as Python opens
 * its ssl module and libssl with it). A search from its user does (dlsym(3)). */
static void *find(void *scope, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	return found || !scope ? found : dlsym(scope, name);
}

/* ISO C has no cast from an object pointer to a function pointer; POSIX needs one for dlsym(). */
#define FIND(name) *(void **)&found.name = find(scope, #name)

const struct tls_library *tls_library_for(const void *caller)
{
	struct tls_library found = {0};
	void *scope = NULL;
	Dl_info user;

	if (atomic_load_explicit(&is_found, memory_order_acquire))
		return &calls;
	/* The library is loaded already, so this only gives its handle, which is never closed. */
	if (dladdr(caller, &user) && user.dli_fname)
		scope = libc_calls.dlopen(user.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	FIND(SSL_read);
	FIND(SSL_write);
	FIND(SSL_read_ex);
	FIND(SSL_write_ex);
	FIND(SSL_sendfile);
	FIND(SSL_get_rfd);
	FIND(SSL_get_wfd);
	FIND(SSL_has_pending);
	FIND(SSL_set_options);
	if (!found.SSL_read || !found.SSL_write) {
		errno = ENOSYS;
		return NULL;
	}
	/* Two threads that come here at once find the same functions. */
	calls = found;
	atomic_store_explicit(&is_found, true, memory_order_release);
	return &calls;
}

void tls_library_enter(const struct tls_library *tls, SSL *ssl)
{
	reading.tls = tls;
	reading.ssl = ssl;
}

void tls_library_leave(void)
{
	reading.ssl = NULL;
}

void tls_library_reading_ended(int fd)
{
	const struct exchange *entry = exchange_of(fd);

	if (reading.ssl && reading.tls->SSL_set_options && entry && atomic_load(&entry->is_ended))
		(void)reading.tls->SSL_set_options(reading.ssl, IGNORE_UNEXPECTED_EOF);
}
