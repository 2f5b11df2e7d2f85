/* SPDX-License-Identifier: MIT */
#include "drain/port_group.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "generation/birth.h"
#include "kernel/address.h"
#include "kernel/socket_name.h"
#include "kernel/socket_options.h"

/* The controller's own: copies of the descriptors of those that stay, which the server may close. */
static struct {
	int fds[GENERATION_LISTENERS];
	int count;
} group;

static bool shares(int fd)
{
	return socket_option_int(fd, SOL_SOCKET, SO_REUSEPORT) > 0;
}

static bool are_neighbours(int a, int b)
{
	struct socket_name of_a, of_b;

	return shares(a) && shares(b) && socket_name_get(a, &of_a) && socket_name_get(b, &of_b) &&
	       address_is_same(socket_name_address(&of_a), of_a.length, socket_name_address(&of_b),
	                       of_b.length, false);
}

static bool set_apart(int fd)
{
	int copy;

	own_fd_begin();
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy >= 0)
		group.fds[group.count++] = copy;
	own_fd_end();
	return copy >= 0 && socket_option_set(fd, SOL_SOCKET, SO_REUSEPORT, 0);
}

static bool a_neighbour_leaves(int fd, const int *fds, const bool *stays, int count)
{
	for (int i = 0; i < count; i++) {
		if (!stays[i] && are_neighbours(fd, fds[i]))
			return true;
	}
	return false;
}

bool port_group_leave(const int *fds, const bool *stays, int count)
{
	bool has_left = true;

	for (int i = 0; i < count; i++) {
		if (stays[i] && a_neighbour_leaves(fds[i], fds, stays, count))
			has_left &= set_apart(fds[i]);
	}
	return has_left;
}

int port_group_fds(int *ret_fds)
{
	memcpy(ret_fds, group.fds, (size_t)group.count * sizeof(*ret_fds));
	return group.count;
}

static void let_go(bool shares_again)
{
	own_fd_begin();
	for (int i = 0; i < group.count; i++) {
		if (shares_again)
			(void)socket_option_set(group.fds[i], SOL_SOCKET, SO_REUSEPORT, 1);
		libc_calls.close(group.fds[i]);
	}
	group.count = 0;
	own_fd_end();
}

void port_group_end(void)
{
	let_go(true);
}

void port_group_forked(void)
{
	let_go(false);
}
