/* SPDX-License-Identifier: MIT */
/* Whether the wrappers have seen every byte of a connection: by numbers, and on connections.
 * Links: http/record_check.c kernel/socket_identity.c
 */
#include "http/record_check.h"
#include "base/interpose.h"
#include "expect.h"
#include "kernel/socket_identity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct libc_calls libc_calls = {.getsockopt = getsockopt};

static const struct {
	const char *what;
	struct record_bytes seen, counted;
	enum record_check check;
} cases[] = {
	{"nothing yet", {0, 0}, {0, 0}, RECORD_WHOLE},
	{"all", {80, 200}, {80, 200}, RECORD_WHOLE},
	{"the client has ended its side", {80, 200}, {81, 200}, RECORD_WHOLE},
	{"both have ended their sides", {80, 200}, {81, 201}, RECORD_WHOLE},
	{"the counts have begun anew", {0xffffffff, 3}, {0, 3}, RECORD_WHOLE},
	{"a request that nobody saw", {80, 200}, {160, 200}, RECORD_GAPS},
	{"requests that nobody saw", {0, 200}, {80, 200}, RECORD_GAPS},
	{"a response that nobody saw", {80, 0}, {80, 200}, RECORD_GAPS},
	{"nothing was seen", {0, 0}, {80, 200}, RECORD_GAPS},
	{"counts far apart", {0xffffff00, 0}, {0x100, 0x7fffffff}, RECORD_GAPS},
	{"more requests than there were", {80, 0}, {70, 0}, RECORD_FOREIGN},
	{"an answer before there was one", {80, 200}, {80, 0}, RECORD_FOREIGN},
	{"another answer", {80, 200}, {160, 199}, RECORD_FOREIGN},
};

static void must(int claim)
{
	if (!claim)
		exit(2);
}

/* A client and the server's connection to it. */
static void connect_pair(int *ret_client, int *ret_server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	const int listener = socket(AF_INET, SOCK_STREAM, 0);

	must(bind(listener, (void *)&address, length) == 0 && listen(listener, 1) == 0);
	must(getsockname(listener, (void *)&address, &length) == 0);
	*ret_client = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(*ret_client, (void *)&address, length) == 0);
	*ret_server = accept(listener, NULL, NULL);
	must(*ret_server >= 0);
	(void)close(listener);
}

static void transfer(int from, int to, ssize_t size)
{
	char bytes[100] = {0};

	must(write(from, bytes, (size_t)size) == size);
	must(to < 0 || recv(to, bytes, (size_t)size, MSG_WAITALL) == size);
}

static void check_connection(void)
{
	struct exchange entry = {0};
	int client, server;

	connect_pair(&client, &server);
	expect_number("a new connection", record_check(server, &entry), RECORD_WHOLE);
	transfer(client, server, 80);
	expect_number("a request that nobody saw", record_check(server, &entry), RECORD_GAPS);
	entry.received_bytes = 80;
	expect_number("a request", record_check(server, &entry), RECORD_WHOLE);
	transfer(client, -1, 50);
	transfer(server, -1, 70);
	entry.sent_bytes = 70;
	expect_number("unread bytes", record_check(server, &entry), RECORD_WHOLE);
	(void)shutdown(client, SHUT_WR);
	expect_number("the client's end", record_check(server, &entry), RECORD_WHOLE);
	entry.sent_bytes = 71;
	expect_number("another connection's", record_check(server, &entry), RECORD_FOREIGN);
	(void)close(client);
	(void)close(server);
}

static void check_unix(void)
{
	const struct exchange entry = {.received_bytes = 1};
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	expect_number("no TCP", record_check(ends[0], &entry), RECORD_WHOLE);
	errno = 0;
	expect_number("two ends", socket_identity(ends[0]) != socket_identity(ends[1]), true);
	(void)dup2(ends[0], ends[1]);
	expect_number("a dup", socket_identity(ends[0]) == socket_identity(ends[1]), true);
	expect_number("a socket", socket_identity(ends[0]) != 0, true);
	(void)close(ends[0]);
	expect_number("no descriptor", (long)socket_identity(ends[0]), 0);
	must(pipe(ends) == 0);
	expect_number("no socket", (long)socket_identity(ends[0]), 0);
	expect_number("errno", errno, 0);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_number(cases[i].what, record_check_bytes(&cases[i].seen, &cases[i].counted),
		              cases[i].check);
	check_connection();
	check_unix();
	return expect_status();
}
