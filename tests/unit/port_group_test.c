/* SPDX-License-Identifier: MIT */
/* Listeners that leave a group of SO_REUSEPORT: while they are still there, and bound away, every new connection
 * goes to one that stays; when they have ended, all that stay get some again.
 * Links: drain/port_group.c kernel/accept_queue.c kernel/listeners.c kernel/address.c kernel/socket_name.c kernel/socket_options.c base/text.c
 */
#include "base/interpose.h"
#include "base/own_fd.h"
#include "drain/port_group.h"
#include "expect.h"
#include "kernel/accept_queue.h"
#include "kernel/procfs.h"
#include "kernel/socket_options.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct libc_calls libc_calls = {.close = close,
                                .getsockopt = getsockopt,
                                .poll = poll,
                                .socket = socket,
                                .connect = connect,
                                .getsockname = getsockname};

#define SIZE 6
#define STAY 3
#define CONNECTIONS 120
/* A SYN that is dropped is sent again after 1 s, in vain. */
#define LIMIT_MS 60000

void own_fd_begin(void)
{
}
void own_fd_end(void)
{
}

void procfs_each_fd(int first, bool (*visit)(int fd, void *context), void *context)
{
	(void)first, (void)visit, (void)context;
}

static struct sockaddr_in address = {.sin_family = AF_INET};
static int group[SIZE];
static int accepted[SIZE];

static int listen_beside(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t length = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)socket_option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (bind(fd, (void *)&address, length) != 0 || listen(fd, CONNECTIONS) != 0 ||
	    getsockname(fd, (void *)&address, &length) != 0)
		return -1;
	return fd;
}

static bool is_made(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLOUT};

	return poll(&request, 1, LIMIT_MS) == 1 && socket_option_int(fd, SOL_SOCKET, SO_ERROR) == 0;
}

static void accept_all(int count)
{
	for (int i = 0; i < count; i++) {
		int fd;

		while ((fd = accept(group[i], NULL, NULL)) >= 0) {
			accepted[i]++;
			close(fd);
		}
	}
}

/* Returns how many connections were made; stops at the first that was not. */
static int connect_often(int count)
{
	for (int i = 0; i < SIZE; i++)
		accepted[i] = 0;
	for (int i = 0; i < CONNECTIONS; i++) {
		const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		bool made;

		(void)connect(fd, (const void *)&address, sizeof(address));
		made = is_made(fd);
		accept_all(count);
		close(fd);
		if (!made)
			return i;
	}
	return CONNECTIONS;
}

static int got_some(int first, int end)
{
	int count = 0;

	for (int i = first; i < end; i++)
		count += accepted[i] > 0;
	return count;
}

int main(void)
{
	const bool stays[SIZE] = {[0] = true, [1] = true, [2] = true};

	for (int i = 0; i < SIZE; i++)
		group[i] = listen_beside();
	expect_number("made by the whole group", connect_often(SIZE), CONNECTIONS);
	expect_number("of which so many get some", got_some(0, SIZE), SIZE);
	expect_number("has left", port_group_leave(group, stays, SIZE), true);
	for (int i = STAY; i < SIZE; i++)
		expect_number("turned away", accept_queue_turn_newcomers_away(group[i]), true);
	expect_number("made while some leave", connect_often(SIZE), CONNECTIONS);
	expect_number("of which those that leave get none", got_some(STAY, SIZE), 0);
	for (int i = STAY; i < SIZE; i++)
		close(group[i]);
	port_group_end();
	expect_number("made by those that stay", connect_often(STAY), CONNECTIONS);
	expect_number("of which each gets some", got_some(0, STAY), STAY);
	return expect_status();
}
