/* SPDX-License-Identifier: MIT */
#include "kernel/socket_options.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/interpose.h"

struct option {
	int level;
	int name;
	int scale; /* getsockopt reports this many times the value that setsockopt takes */
};

/* The kernel doubles buffer sizes to allow for bookkeeping (socket(7), SO_RCVBUF). */
static const struct option options[] = {
	{SOL_SOCKET, SO_REUSEADDR, 1},
	{SOL_SOCKET, SO_KEEPALIVE, 1},
	{SOL_SOCKET, SO_RCVBUF, 2},
	{SOL_SOCKET, SO_SNDBUF, 2},
	{SOL_SOCKET, SO_RCVLOWAT, 1},
	{SOL_SOCKET, SO_LINGER, 1},
	{SOL_SOCKET, SO_RCVTIMEO, 1},
	{SOL_SOCKET, SO_SNDTIMEO, 1},
	{SOL_SOCKET, SO_PRIORITY, 1},
	{SOL_SOCKET, SO_MARK, 1},
	{SOL_SOCKET, SO_OOBINLINE, 1},
	{SOL_SOCKET, SO_INCOMING_CPU, 1},
	{SOL_SOCKET, SO_BUSY_POLL, 1},
	{IPPROTO_IP, IP_TOS, 1},
	{IPPROTO_IP, IP_TTL, 1},
	{IPPROTO_IP, IP_FREEBIND, 1},
	{IPPROTO_IP, IP_TRANSPARENT, 1},
	{IPPROTO_IPV6, IPV6_TCLASS, 1},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1},
	{IPPROTO_TCP, TCP_NODELAY, 1},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT, 1},
	{IPPROTO_TCP, TCP_FASTOPEN, 1},
	{IPPROTO_TCP, TCP_KEEPIDLE, 1},
	{IPPROTO_TCP, TCP_KEEPINTVL, 1},
	{IPPROTO_TCP, TCP_KEEPCNT, 1},
	{IPPROTO_TCP, TCP_SYNCNT, 1},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, 1},
	{IPPROTO_TCP, TCP_WINDOW_CLAMP, 1},
	{IPPROTO_TCP, TCP_MAXSEG, 1},
	{IPPROTO_TCP, TCP_CONGESTION, 1},
};

int socket_option_int(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return libc_calls.getsockopt(fd, level, name, &value, &size) == 0 ? value : -errno;
}

bool socket_option_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

void socket_options_carry(int from, int to)
{
	const int saved = errno;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		union {
			char bytes[64];
			int number;
		} wanted = {{0}}, present = {{0}};
		socklen_t wanted_size = sizeof(wanted), present_size = sizeof(present);
		const struct option *option = &options[i];

		if (libc_calls.getsockopt(from, option->level, option->name, &wanted,
		                          &wanted_size) != 0 ||
		    libc_calls.getsockopt(to, option->level, option->name, &present,
		                          &present_size) != 0)
			continue;
		/* Both buffers were all zeros before the kernel wrote into them. */
		if (memcmp(wanted.bytes, present.bytes, sizeof(wanted.bytes)) == 0)
			continue;
		if (option->scale > 1)
			wanted.number /= option->scale;
		(void)setsockopt(to, option->level, option->name, &wanted, wanted_size);
	}
	errno = saved;
}
