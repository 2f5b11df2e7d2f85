/* SPDX-License-Identifier: MIT */
#include "kernel/socket_name.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "kernel/address.h"

bool socket_name_get(int fd, struct socket_name *ret_name)
{
	*ret_name = (struct socket_name){.length = sizeof(ret_name->address)};
	return libc_calls.getsockname(fd, socket_name_address(ret_name), &ret_name->length) == 0;
}

bool socket_name_is_inet(const struct socket_name *name)
{
	return name->address.ss_family == AF_INET || name->address.ss_family == AF_INET6;
}

in_port_t *socket_name_port(struct socket_name *name)
{
	if (name->address.ss_family == AF_INET)
		return &((struct sockaddr_in *)socket_name_address(name))->sin_port;
	return &((struct sockaddr_in6 *)socket_name_address(name))->sin6_port;
}

bool socket_name_of_target(const struct sockaddr *address, socklen_t length,
                           struct socket_name *ret_target)
{
	struct sockaddr_in *v4 = (void *)&ret_target->address;
	struct sockaddr_in6 *v6 = (void *)&ret_target->address;

	*ret_target = (struct socket_name){.length = length};
	if (length < sizeof(sa_family_t) || length > sizeof(ret_target->address))
		return false;
	memcpy(&ret_target->address, address, length);
	if (address->sa_family == AF_INET) {
		if (v4->sin_addr.s_addr == htonl(INADDR_ANY))
			v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return length >= sizeof(*v4);
	}
	if (address->sa_family == AF_INET6) {
		if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
			v6->sin6_addr.s6_addr[15] = 1; /* ::1 */
		return length >= sizeof(*v6);
	}
	return address->sa_family == AF_UNIX;
}

struct socket_name socket_name_other_form(const struct socket_name *target)
{
	const struct sockaddr_in *v4 = (const void *)&target->address;
	const struct sockaddr_in6 *v6 = (const void *)&target->address;
	struct sockaddr_in as_v4 = {.sin_family = AF_INET, .sin_port = v6->sin6_port};
	struct sockaddr_in6 as_v6 = {.sin6_family = AF_INET6, .sin6_port = v4->sin_port};
	struct socket_name other = {.length = 0};

	if (target->address.ss_family == AF_INET) {
		as_v6.sin6_addr.s6_addr[10] = as_v6.sin6_addr.s6_addr[11] = 0xff;
		memcpy(&as_v6.sin6_addr.s6_addr[12], &v4->sin_addr, sizeof(v4->sin_addr));
		memcpy(&other.address, &as_v6, other.length = sizeof(as_v6));
	} else if (target->address.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(&as_v4.sin_addr, &v6->sin6_addr.s6_addr[12], sizeof(as_v4.sin_addr));
		memcpy(&other.address, &as_v4, other.length = sizeof(as_v4));
	}
	return other;
}

/* A datagram socket sends nothing when it connects. */
static bool find_source(const struct socket_name *target, struct socket_name *ret_source)
{
	bool is_found = false;
	int fd;

	own_fd_begin();
	fd = libc_calls.socket(target->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		is_found = libc_calls.connect(fd, (const void *)&target->address, target->length) ==
		                   0 &&
		           socket_name_get(fd, ret_source);
		libc_calls.close(fd);
	}
	own_fd_end();
	return is_found;
}

/* The kernel chooses a local address as the source, too, but for the loopback network, of which it
 * chooses one. */
bool socket_name_is_local(struct socket_name *target)
{
	const struct sockaddr_in *v4 = (const void *)&target->address;
	struct socket_name source;

	if (!find_source(target, &source))
		return false;
	if (target->address.ss_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 == 127)
		return true;
	*socket_name_port(&source) = *socket_name_port(target);
	return address_matches_connection(socket_name_address(&source),
	                                  socket_name_address(target));
}
