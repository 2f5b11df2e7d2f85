/* SPDX-License-Identifier: MIT */
#include "control/passing.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "generation/membership.h"
#include "http/exchange.h"
#include "kernel/passed_fds.h"
#include "kernel/sandbox.h"
#include "kernel/socket_options.h"

static bool is_tcp_connection(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in6 v6;
	} peer = {.any.sa_family = AF_UNSPEC};
	socklen_t length = sizeof(peer);

	return getpeername(fd, &peer.any, &length) == 0 &&
	       (peer.any.sa_family == AF_INET || peer.any.sa_family == AF_INET6) &&
	       socket_option_int(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
}

static void note_sent(int fd)
{
	if (is_tcp_connection(fd))
		membership_note(HINT_PASSES);
}

void passing_note_sent(const struct msghdr *message)
{
	const int saved = errno;

	if (!membership_said(HINT_PASSES) && !sandbox_is_tight())
		passed_fds_each(message, note_sent);
	errno = saved;
}

static void note_received(int fd)
{
	if (exchange_end() == 0 && !sandbox_is_tight() && is_tcp_connection(fd))
		exchange_begin(false);
	exchange_begin_anew(fd, EXCHANGE_SOCKET);
}

void passing_note_received(const struct msghdr *message)
{
	const int saved = errno;

	passed_fds_each(message, note_received);
	errno = saved;
}
