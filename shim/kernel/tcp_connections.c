/* SPDX-License-Identifier: MIT */
#include "kernel/tcp_connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "kernel/procfs.h"

struct reading {
	uint16_t port;
	void (*visit)(uint64_t socket, void *context);
	void *context;
};

/* --- By sock_diag(7) --- */

#define STATE(state) (1u << (state))
#define OPEN_STATES                                                             \
	(STATE(TCP_ESTABLISHED) | STATE(TCP_FIN_WAIT1) | STATE(TCP_FIN_WAIT2) | \
	 STATE(TCP_CLOSE_WAIT) | STATE(TCP_LAST_ACK) | STATE(TCP_CLOSING))

static bool ask(int fd, int family, uint16_t port)
{
	const struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
	                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.sdiag_family = (uint8_t)family,
	                 .sdiag_protocol = IPPROTO_TCP,
	                 .idiag_states = OPEN_STATES,
	                 .id.idiag_sport = htons(port)},
	};

	return libc_calls.send(fd, &request, sizeof(request), MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(request);
}

/* What no process has any more has no inode. Returns false at the last message, or at an error. */
static bool take(const struct nlmsghdr *header, const struct reading *reading, bool *ret_is_done)
{
	struct inet_diag_msg message;

	*ret_is_done = header->nlmsg_type == NLMSG_DONE;
	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(message)))
		return false;
	memcpy(&message, NLMSG_DATA(header), sizeof(message));
	if (message.idiag_inode)
		reading->visit(message.idiag_inode, reading->context);
	return true;
}

/* Each answer makes the kernel write the next one at once (net/netlink/af_netlink.c, netlink_dump()). */
static bool read_answers(int fd, const struct reading *reading)
{
	char bytes[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool is_done = false;
	ssize_t n;

	while ((n = libc_calls.recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *header = (const void *)bytes;
		int left = (int)n;

		for (; NLMSG_OK(header, (unsigned)left); header = NLMSG_NEXT(header, left)) {
			if (!take(header, reading, &is_done))
				return is_done;
		}
	}
	return false;
}

static bool read_by_diag(const struct reading *reading)
{
	bool is_complete = false;
	int fd;

	own_fd_begin();
	fd = libc_calls.socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd >= 0) {
		is_complete = ask(fd, AF_INET, reading->port) && read_answers(fd, reading) &&
		              ask(fd, AF_INET6, reading->port) && read_answers(fd, reading);
		libc_calls.close(fd);
	}
	own_fd_end();
	return is_complete;
}

/* --- In /proc --- */

/* The words of a line (net/ipv4/tcp_ipv4.c, get_tcp4_sock): number, local address, remote address, state, queues,
 * timer, retransmits, user, timeout, inode. */
enum { LOCAL = 1, STATE = 3, INODE = 9 };

struct line {
	int column;
	bool is_in_word;
	uint64_t value; /* of the number that the word ends with */
	uint64_t port, state, socket;
};

static void end_word(struct line *line)
{
	if (!line->is_in_word)
		return;
	if (line->column == LOCAL)
		line->port = line->value;
	else if (line->column == STATE)
		line->state = line->value;
	else if (line->column == INODE)
		line->socket = line->value;
	line->column++;
	line->is_in_word = false;
	line->value = 0;
}

static void end_line(struct line *line, const struct reading *reading)
{
	end_word(line);
	if (line->socket && line->port == reading->port && line->state != TCP_LISTEN)
		reading->visit(line->socket, reading->context);
	*line = (struct line){0};
}

/* Of ADDRESS:PORT the second number counts. */
static void read_byte(struct line *line, char byte)
{
	const unsigned base = line->column == INODE ? 10 : 16;
	const int value = procfs_digit(byte);

	if (byte == ' ') {
		end_word(line);
		return;
	}
	line->is_in_word = true;
	line->value = value < 0 ? 0 : line->value * base + (uint64_t)value;
}

static void read_table(const char *path, const struct reading *reading)
{
	struct line line = {0};
	char bytes[4096];
	ssize_t n;
	int fd;

	own_fd_begin();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = libc_calls.read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n')
				end_line(&line, reading);
			else
				read_byte(&line, bytes[i]);
		}
	}
	if (fd >= 0)
		libc_calls.close(fd);
	own_fd_end();
}

void tcp_connections_each(uint16_t port, void (*visit)(uint64_t socket, void *context),
                          void *context)
{
	const struct reading reading = {port, visit, context};

	if (read_by_diag(&reading))
		return;
	read_table("/proc/net/tcp", &reading);
	read_table("/proc/net/tcp6", &reading);
}
