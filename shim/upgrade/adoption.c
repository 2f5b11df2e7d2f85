/* SPDX-License-Identifier: MIT */
#include "upgrade/adoption.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/own_fd.h"
#include "generation/generation.h"
#include "kernel/address.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/socket_identity.h"
#include "kernel/socket_options.h"
#include "upgrade/inheritance.h"
#include "upgrade/received.h"
#include "upgrade/waiting.h"

/* IPV6_V6ONLY distinguishes sockets only on the wildcard address: a bind to any other address sets
 * it (net/ipv6/af_inet6.c, __inet6_bind), so that it says nothing on a socket that is not bound
 * yet. */
static bool has_v6_wildcard(const struct inherited_listener *listener)
{
	const struct sockaddr_in6 *address = (const void *)&listener->address;

	return listener->family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->sin6_addr);
}

static bool is_same_kind(int fd, const struct inherited_listener *listener)
{
	if (socket_option_int(fd, SOL_SOCKET, SO_TYPE) != listener->type)
		return false;
	return !has_v6_wildcard(listener) ||
	       socket_option_int(fd, IPPROTO_IPV6, IPV6_V6ONLY) == (int)listener->v6_only;
}

_Atomic bool adoption_has_unblocked;

/* By descriptor: the socket (socket_identity.h) that the server made blocking here, and its
 * predecessor did not. */
#define HIGHEST_FD 4096
static _Atomic uint64_t blocking_for_server[HIGHEST_FD];

/* O_NONBLOCK belongs to the open file, which the predecessor shares until it has stopped accepting.
 * If it is set here, a predecessor that sleeps in a blocking accept() keeps sleeping there. If it
 * were cleared, a predecessor that polls would block in accept() for good. Many servers set it only
 * after bind(), so that both soon agree. */
static void carry_status_flags(int from, int to)
{
	const int wanted = fcntl(from, F_GETFL), present = fcntl(to, F_GETFL);
	const bool is_unblocked = listeners_is_unblocked(to);

	if (is_unblocked)
		atomic_store(&adoption_has_unblocked, true);
	if (wanted < 0 || present < 0)
		return;
	if (wanted & O_NONBLOCK)
		(void)fcntl(to, F_SETFL, (present & ~O_APPEND) | O_NONBLOCK);
	else if (present & O_NONBLOCK && !is_unblocked && (unsigned)from < HIGHEST_FD)
		atomic_store(&blocking_for_server[from], socket_identity(to));
}

bool adoption_blocks_for_server(int fd)
{
	const uint64_t socket =
		(unsigned)fd < HIGHEST_FD ? atomic_load(&blocking_for_server[fd]) : 0;

	return socket && socket == socket_identity(fd);
}

static int take_place_of(int fd, uint32_t index)
{
	const int fd_flags = fcntl(fd, F_GETFD);
	int inherited, error = 0;

	/* First out of the controller's reach, because the controller closes what no process has
	 * claimed in time. */
	own_fd_begin();
	inherited = waiting_take(index);
	socket_options_carry(fd, inherited);
	carry_status_flags(fd, inherited);
	if (libc_calls.dup3(inherited, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0) {
		error = -errno;
		waiting_put(index, inherited);
	} else {
		libc_calls.close(inherited);
	}
	own_fd_end();
	if (error)
		return error;
	(void)failpoint("adopted");
	listeners_mark_held(fd);
	inheritance_taken();
	return 0;
}

void adoption_claim_same(int fd)
{
	const int saved = errno;
	const uint64_t identity = socket_identity(fd);
	const uint32_t count = received_listeners();

	for (uint32_t i = 0; inheritance_may_be_found() && i < count; i++) {
		if (received_listener(i)->identity != identity || !inheritance_claim(i))
			continue;
		waiting_close(i);
		inheritance_taken();
	}
	errno = saved;
}

int adoption_adopt(int fd, const struct sockaddr *address, socklen_t length)
{
	const int saved = errno;
	const uint32_t count = received_listeners();
	int result = -ENOENT;

	for (uint32_t i = 0; i < count && result == -ENOENT; i++) {
		const struct inherited_listener *listener = received_listener(i);

		if (inheritance_is_here(i) &&
		    address_is_same(address, length, (const void *)&listener->address,
		                    listener->address_length, listener->asked_for_any_port) &&
		    is_same_kind(fd, listener) && inheritance_claim(i))
			result = take_place_of(fd, i);
	}
	errno = saved;
	return result;
}
