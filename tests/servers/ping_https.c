/* SPDX-License-Identifier: MIT */
/* Serves HTTPS, with a thread per connection: -c CERT -k KEY, both PEM. The argument idle=MS ends
 * connections that have been quiet so long. */
#include "conversation.h"
#include "listeners.h"
#include "routes.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static SSL_CTX *context;
static struct timeval idle_limit; /* 0 for none, as SO_RCVTIMEO wants it */

static ssize_t receive_tls(void *channel, void *data, size_t len)
{
	return SSL_read(channel, data, (int)len);
}

static ssize_t send_tls(void *channel, const void *data, size_t len)
{
	return SSL_write(channel, data, (int)len);
}

static void *connection_run(void *argument)
{
	int fd = (int)(intptr_t)argument;
	SSL *ssl = SSL_new(context);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle_limit, sizeof(idle_limit));
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		conversation_run(
			&(struct conversation){receive_tls, send_tls, ssl, routes_reply, false});
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	close(fd);
	return NULL;
}

static void serve(int fd)
{
	conversation_serve_in_thread(fd, connection_run);
}

static void context_load(const struct server_options *options)
{
	if (!options->certificate || !options->key) {
		fputs("ping_https: -c CERT and -k KEY are needed\n", stderr);
		exit(2);
	}
	context = SSL_CTX_new(TLS_server_method());
	if (!context || SSL_CTX_use_certificate_chain_file(context, options->certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, options->key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;

	server_options_parse(argc, argv, &options);
	context_load(&options);
	if (options.argument && strncmp(options.argument, "idle=", 5) == 0)
		idle_limit.tv_usec = atoi(options.argument + 5) * 1000;
	/* SSL_write() has no MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	listeners_open(&options, false, &listeners);
	listeners_serve(&listeners, 0, serve);
}
