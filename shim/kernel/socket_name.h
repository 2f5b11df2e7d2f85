/* SPDX-License-Identifier: MIT */
/* Owns a socket address with its length, as the kernel gives or takes it. */
#ifndef OCTOPUS_SOCKET_NAME_H
#define OCTOPUS_SOCKET_NAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct socket_name {
	struct sockaddr_storage address; /* zeros behind the name */
	socklen_t length;
};

/* The address of NAME, to be read or written. Context: any. */
static inline struct sockaddr *socket_name_address(struct socket_name *name)
{
	return (struct sockaddr *)&name->address;
}

/* Asks for the local address of FD (getsockname(2)). Returns false, with errno, if it has none.
 * Context: any. */
bool socket_name_get(int fd, struct socket_name *ret_name);

/* True if NAME is an IPv4 or IPv6 address; only such a one has a port. Context: any. */
bool socket_name_is_inet(const struct socket_name *name);
in_port_t *socket_name_port(struct socket_name *name);

/* Reads where connect(2) to ADDRESS leads: to no address in particular means to the loopback address
 * (ip(7)). Returns false if the address is too short, or of another family than IPv4, IPv6 and unix.
 * Context: any. */
bool socket_name_of_target(const struct sockaddr *address, socklen_t length,
                           struct socket_name *ret_target);

/* Returns the IPv6 form of an IPv4 address, or the IPv4 form of such an IPv6 address: a listener on
 * [::] accepts both (ipv6(7)). Without one, a name of length 0. Context: any. */
struct socket_name socket_name_other_form(const struct socket_name *target);

/* True if TARGET, an IPv4 or IPv6 address, is an address of this machine. Context: any. */
bool socket_name_is_local(struct socket_name *target);

#endif
