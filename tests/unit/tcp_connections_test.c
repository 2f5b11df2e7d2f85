/* SPDX-License-Identifier: MIT */
/* The kernel names the two ends of a TCP connection by their local ports, and no listener; by sock_diag(7), and in
 * /proc where there is none.
 * Links: base/clock.c base/own_fd.c base/vdso.c kernel/socket_identity.c kernel/tcp_connections.c
 */
#include "base/interpose.h"
#include "expect.h"
#include "kernel/socket_identity.h"
#include "kernel/tcp_connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool has_no_diag;

static int open_socket(int domain, int type, int protocol)
{
	return has_no_diag ? -1 : socket(domain, type, protocol);
}

struct libc_calls libc_calls = {
	.close = close, .read = read, .recv = recv, .send = send, .socket = open_socket};

struct wanted {
	uint64_t socket;
	int times;
};

static void look(uint64_t socket, void *context)
{
	struct wanted *wanted = context;

	wanted->times += socket == wanted->socket;
}

static int times_at(uint16_t port, int fd)
{
	struct wanted wanted = {.socket = socket_identity(fd)};

	tcp_connections_each(port, look, &wanted);
	return wanted.times;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, (void *)&address, &size) != 0)
		exit(2);
	return ntohs(address.sin6_port);
}

static void table_names_both_ends(const struct sockaddr *loopback, socklen_t length)
{
	struct sockaddr_in6 address;
	socklen_t size = sizeof(address);
	const int listener = socket(loopback->sa_family, SOCK_STREAM, 0);
	const int near = socket(loopback->sa_family, SOCK_STREAM, 0);
	uint16_t port;
	int far;

	if (bind(listener, loopback, length) != 0 && loopback->sa_family == AF_INET6)
		return; /* a machine without */
	if (listen(listener, 1) != 0 || getsockname(listener, (void *)&address, &size) != 0 ||
	    connect(near, (void *)&address, size) != 0)
		exit(2);
	far = accept(listener, NULL, NULL);
	port = port_of(listener);
	expect_number("the listener", times_at(port, listener), 0);
	expect_number("the accepted end", times_at(port, far), 1);
	expect_number("the other end, at that port", times_at(port, near), 0);
	expect_number("the other end, at its own", times_at(port_of(near), near), 1);
	close(near);
	close(far);
	close(listener);
}

int main(void)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
	                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
	                                .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	for (int i = 0; i < 2; i++) {
		has_no_diag = i == 1;
		table_names_both_ends((const void *)&v4, sizeof(v4));
		table_names_both_ends((const void *)&v6, sizeof(v6));
	}
	return expect_status();
}
