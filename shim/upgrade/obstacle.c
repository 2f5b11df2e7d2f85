/* SPDX-License-Identifier: MIT */
#include "upgrade/obstacle.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/interpose.h"
#include "base/log.h"
#include "base/undisturbed.h"
#include "generation/generation.h"
#include "kernel/address.h"
#include "kernel/caller_memory.h"
#include "kernel/socket_name.h"
#include "kernel/socket_options.h"
#include "upgrade/inheritance.h"
#include "upgrade/received.h"
#include "upgrade/shared_port.h"
#include "upgrade/waiting.h"

static in_port_t port_of(const struct socket_name *name)
{
	return *socket_name_port((struct socket_name *)name);
}

static bool is_wildcard(const struct socket_name *name)
{
	const struct sockaddr_in *v4 = (const void *)&name->address;
	const struct sockaddr_in6 *v6 = (const void *)&name->address;

	return name->address.ss_family == AF_INET ? v4->sin_addr.s_addr == htonl(INADDR_ANY)
	                                          : IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

/* Where the families differ, and the IPv6 one is for IPv6 only, the kernel would not have refused. */
static bool stands_in_the_way(const struct inherited_listener *listener,
                              const struct socket_name *wanted)
{
	struct socket_name has = {listener->address, listener->address_length};

	if (!socket_name_is_inet(&has) || port_of(&has) != port_of(wanted))
		return false;
	if (is_wildcard(&has) || is_wildcard(wanted))
		return has.address.ss_family == wanted->address.ss_family ||
		       is_wildcard(has.address.ss_family == AF_INET6 ? &has : wanted);
	return address_is_same((const void *)&has.address, has.length,
	                       (const void *)&wanted->address, wanted->length, false);
}

/* Returns the index of the next one from FIRST on that nobody has claimed, or -1. */
static int find(const struct socket_name *wanted, uint32_t first)
{
	for (uint32_t i = first; i < received_listeners(); i++) {
		if (stands_in_the_way(received_listener(i), wanted) && inheritance_is_unclaimed(i))
			return (int)i;
	}
	return -1;
}

static bool read_wanted(int fd, const struct sockaddr *address, socklen_t length,
                        struct socket_name *ret_wanted)
{
	if (length > sizeof(ret_wanted->address) || !caller_memory_is_readable(address, length))
		return false;
	memset(ret_wanted, 0, sizeof(*ret_wanted));
	ret_wanted->length = length;
	memcpy(&ret_wanted->address, address, length);
	return socket_name_is_inet(ret_wanted) &&
	       socket_option_int(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
}

/* A listener that asks the broker for its descriptor would claim it. */
static bool is_shared_by_all(int fd, const struct socket_name *wanted)
{
	int index = find(wanted, 0);

	if (index < 0 || !is_wildcard(wanted))
		return false;
	for (; index >= 0; index = find(wanted, (uint32_t)index + 1)) {
		const struct inherited_listener *listener = received_listener((uint32_t)index);
		const struct socket_name has = {listener->address, listener->address_length};

		if (!is_wildcard(&has) ||
		    !socket_option_set(waiting_fd((uint32_t)index), SOL_SOCKET, SO_REUSEPORT, 1))
			return false;
	}
	return shared_port_lend(fd);
}

bool obstacle_pass(int fd, const struct sockaddr *address, socklen_t length)
{
	const int saved = errno;
	struct socket_name wanted;
	struct undisturbed before;
	bool is_bound;

	undisturbed_begin(&before);
	is_bound = read_wanted(fd, address, length, &wanted) && is_shared_by_all(fd, &wanted) &&
	           libc_calls.bind(fd, (const void *)&wanted.address, length) == 0;
	undisturbed_end(&before);
	errno = saved;
	return is_bound;
}

void obstacle_note(int fd, const struct sockaddr *address, socklen_t length)
{
	const int saved = errno;
	struct socket_name wanted;
	struct undisturbed before;
	struct birth *birth;
	int index;

	undisturbed_begin(&before);
	index = read_wanted(fd, address, length, &wanted) ? find(&wanted, 0) : -1;
	if (index >= 0) {
		birth = atomic_load(&generation.birth);
		birth->obstacle.wanted = wanted;
		birth->obstacle.listener = (uint32_t)index;
		atomic_store(&birth->obstacle.is_noted, 1);
	}
	undisturbed_end(&before);
	errno = saved;
}

/* Any process of the birth may have written it. */
void obstacle_explain(const struct birth *birth, const struct manifest *manifest, pid_t pid)
{
	const struct obstacle noted = birth->obstacle;
	const struct inherited_listener *listener;
	char wanted[160], has[160];

	if (!noted.is_noted || noted.listener >= manifest->listener_count ||
	    noted.wanted.length > sizeof(noted.wanted.address) ||
	    !socket_name_is_inet(&noted.wanted))
		return;
	listener = &manifest->listeners[noted.listener];
	address_format(wanted, sizeof(wanted), (const void *)&noted.wanted.address,
	               noted.wanted.length);
	address_format(has, sizeof(has), (const void *)&listener->address,
	               listener->address_length);
	log_error(
		"Child (%d) could not bind %s (EADDRINUSE): Master (%d) listens on %s, and no process can have both. Stop the server, and start it anew.",
		pid, wanted, generation.pid, has);
}
