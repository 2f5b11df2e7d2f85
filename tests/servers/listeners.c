/* SPDX-License-Identifier: MIT */
#include "listeners.h"

#include "identity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static socklen_t address_parse_unix(const char *path, union address *ret_address)
{
	ret_address->local.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(ret_address->local.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(ret_address->local.sun_path, path);
	return sizeof(ret_address->local);
}

static socklen_t address_parse_inet(const char *name, union address *ret_address)
{
	const char *colon = strrchr(name, ':');
	char host[64];

	errno = EINVAL;
	if (!colon || (size_t)(colon - name) >= sizeof(host))
		die(name);
	in_port_t port = htons((in_port_t)atoi(colon + 1));
	if (name[0] == '[') {
		snprintf(host, sizeof(host), "%.*s", (int)(colon - name) - 2, name + 1);
		ret_address->v6.sin6_family = AF_INET6;
		ret_address->v6.sin6_port = port;
		if (inet_pton(AF_INET6, host, &ret_address->v6.sin6_addr) != 1)
			die(name);
		return sizeof(ret_address->v6);
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - name), name);
	ret_address->v4.sin_family = AF_INET;
	ret_address->v4.sin_port = port;
	if (inet_pton(AF_INET, host, &ret_address->v4.sin_addr) != 1)
		die(name);
	return sizeof(ret_address->v4);
}

static int listener_open(const struct listen_place *place, bool nonblocking)
{
	union address address;
	const int on = 1;
	const int off = 0;
	socklen_t len;

	memset(&address, 0, sizeof(address));
	if (place->is_unix)
		len = address_parse_unix(place->name, &address);
	else
		len = address_parse_inet(place->name, &address);
	int fd = socket(address.any.sa_family, SOCK_STREAM | (nonblocking ? SOCK_NONBLOCK : 0), 0);
	if (fd == -1)
		die("socket");
	if (place->is_unix) {
		unlink(place->name);
	} else {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		/* Accepted connections inherit it. */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	if (address.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, &address.any, len) == -1)
		die("bind");
	if (listen(fd, BACKLOG) == -1)
		die("listen");
	return fd;
}

/* Prints where FD listens. Returns its port, 0 for a unix socket. */
static int listener_announce(int fd, const struct listen_place *place)
{
	union address address;
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN];
	int port = 0;

	if (place->is_unix) {
		printf("listening unix:%s 0\n", place->name);
		return 0;
	}
	memset(&address, 0, sizeof(address));
	if (getsockname(fd, &address.any, &len) == -1)
		die("getsockname");
	if (address.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host));
		port = ntohs(address.v6.sin6_port);
	} else {
		inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host));
		port = ntohs(address.v4.sin_port);
	}
	printf("listening %s %d\n", host, port);
	return port;
}

void listeners_open(const struct server_options *options, bool nonblocking,
                    struct listeners *ret_listeners)
{
	int first_port = 0;

	identity_set_pid();
	ret_listeners->count = options->place_count;
	for (int i = 0; i < options->place_count; i++)
		ret_listeners->fds[i] = listener_open(&options->places[i], nonblocking);
	for (int i = 0; i < options->place_count; i++) {
		int port = listener_announce(ret_listeners->fds[i], &options->places[i]);
		if (i == 0)
			first_port = port;
	}
	printf("ready %d %d\n", first_port, identity_pid());
	fflush(stdout);
}

int listeners_accept(int listener_fd, int flags)
{
	int fd = flags ? accept4(listener_fd, NULL, NULL, flags) : accept(listener_fd, NULL, NULL);

	/* Of several processes that poll one listener, one may come too late when all of them stop accepting, or beside
	 * a generation that does not block. A server that does not block comes back when a connection has ended. */
	if (fd == -1 && errno != EAGAIN && errno != ECONNABORTED && !(flags && errno == EMFILE))
		die("accept");
	return fd;
}

struct acceptor {
	int listener_fd;
	int flags;
	void (*serve)(int fd);
};

static void *acceptor_run(void *argument)
{
	const struct acceptor *acceptor = argument;

	for (;;) {
		int fd = listeners_accept(acceptor->listener_fd, acceptor->flags);
		if (fd != -1)
			acceptor->serve(fd);
	}
	return NULL;
}

void listeners_serve(const struct listeners *listeners, int flags, void (*serve)(int fd))
{
	static struct acceptor acceptors[SERVER_LISTENERS_MAX];

	for (int i = 0; i < listeners->count; i++)
		acceptors[i] = (struct acceptor){listeners->fds[i], flags, serve};
	for (int i = 1; i < listeners->count; i++) {
		pthread_t thread;
		errno = pthread_create(&thread, NULL, acceptor_run, &acceptors[i]);
		if (errno)
			die("pthread_create");
	}
	acceptor_run(&acceptors[0]);
	abort();
}
