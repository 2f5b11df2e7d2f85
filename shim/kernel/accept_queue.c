/* SPDX-License-Identifier: MIT */
#include "kernel/accept_queue.h"

#include <limits.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/interpose.h"
#include "kernel/listeners.h"

/* No interface ever has this index, and the kernel does not check that one has (net/core/sock.c,
 * sock_bindtoindex_locked). */
#define NO_INTERFACE INT_MAX

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

/* This is the older way: a filter on the listener, which sees the segment from its TCP header on
 * (net/ipv4/tcp_ipv4.c, tcp_filter). It drops a SYN without ACK. It passes the ACK that completes a
 * handshake which the kernel has answered. Some kernels want a privilege for it. */
static int drop_new_connections(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12 /* SYN, ACK */),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02 /* SYN */, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* We bind the listener to an interface that does not exist. No SYN finds it then, and the kernel
 * refuses the connection at once, as on a port without a listener. Queued connections and
 * handshakes under way have sockets of their own and go on. Since Linux 5.7 this needs no
 * privilege, unless the server had bound the listener to an interface. */
bool accept_queue_turn_newcomers_away(int fd)
{
	const int interface = NO_INTERFACE;

	/* On a unix listener this option does nothing, but setting it succeeds. */
	if (listeners_is_unix(fd))
		return false;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &interface, sizeof(interface)) == 0 ||
	       drop_new_connections(fd) == 0;
}

/* tcpi_unacked of a listener is its sk_ack_backlog (net/ipv4/tcp.c, tcp_get_info). Of a unix
 * listener, poll() only shows whether any connection waits. */
int accept_queue_length(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (libc_calls.getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
		return (int)info.tcpi_unacked;
	return libc_calls.poll(&request, 1, 0) > 0;
}

void accept_queue_let_newcomers_in(int fd)
{
	const int any_interface = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &any_interface, sizeof(any_interface));
	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &any_interface, sizeof(any_interface));
}
