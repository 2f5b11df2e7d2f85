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

/* Not an index that an interface ever has; nor is one asked for (net/core/sock.c,
 * sock_bindtoindex_locked). */
#define NO_INTERFACE INT_MAX

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

/* The older way: a filter on the listener, which sees the segment from its TCP header on
 * (net/ipv4/tcp_ipv4.c, tcp_filter). A SYN without ACK is dropped; the ACK that completes a handshake
 * which the kernel has answered passes. Some kernels want a privilege for it. */
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

/* A listener that is bound to an interface which does not exist is found by no SYN: the kernel refuses
 * at once, as it does where nobody listens. What is in the queue, or in the middle of a handshake, has
 * sockets of its own and goes on. No privilege is needed unless the server had bound it to an
 * interface (since Linux 5.7). Returns false where new connections cannot be kept away. */
bool accept_queue_turn_newcomers_away(int fd)
{
	const int interface = NO_INTERFACE;

	/* Setting an option that means nothing for a unix listener would succeed all the same. */
	if (listeners_is_unix(fd))
		return false;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &interface, sizeof(interface)) == 0 ||
	       drop_new_connections(fd) == 0;
}

/* How many wait to be accepted: tcpi_unacked of a listener is its sk_ack_backlog (net/ipv4/tcp.c,
 * tcp_get_info). A unix listener only tells whether any does. */
int accept_queue_length(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
		return (int)info.tcpi_unacked;
	return libc_calls.poll(&request, 1, 0) > 0;
}

void accept_queue_let_newcomers_in(int fd)
{
	const int any_interface = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &any_interface, sizeof(any_interface));
	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &any_interface, sizeof(any_interface));
}
