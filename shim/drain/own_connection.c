/* SPDX-License-Identifier: MIT */
#include "drain/own_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "base/text.h"
#include "base/undisturbed.h"
#include "drain/quiet_listener.h"
#include "kernel/address.h"
#include "kernel/caller_memory.h"
#include "kernel/socket_name.h"
#include "kernel/socket_options.h"

/* Both ends of the connection are in this process: it is there at once, or not at all. */
#define LIMIT_MS 1000

#define CARRIER_NAME sizeof(struct sockaddr_in6)

static bool leads_to(struct socket_name *target, struct socket_name *other, int index)
{
	const struct sockaddr *listener = quiet_listener_address(index);

	if (listener->sa_family == AF_UNIX)
		return address_is_same(socket_name_address(target), target->length, listener,
		                       sizeof(struct sockaddr_un), false);
	return address_matches_connection(listener, socket_name_address(target)) ||
	       address_matches_connection(listener, socket_name_address(other));
}

static int find_quiet(struct socket_name *target)
{
	struct socket_name other = socket_name_other_form(target);

	for (int i = 0; i < quiet_listener_count(); i++) {
		if (leads_to(target, &other, i) && quiet_listener_is_quiet(i))
			return i;
	}
	return -1;
}

/* A listener of the family that the server has listened on, at the address of TARGET, and a port of its
 * own, which TARGET gets. */
static int open_door(struct socket_name *target, int family)
{
	struct socket_name name =
		family == target->address.ss_family ? *target : socket_name_other_form(target);
	const int fd = libc_calls.socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	*socket_name_port(&name) = 0;
	if (libc_calls.bind(fd, socket_name_address(&name), name.length) == 0 &&
	    libc_calls.listen(fd, 1) == 0 && socket_name_get(fd, &name)) {
		*socket_name_port(target) = *socket_name_port(&name);
		return fd;
	}
	libc_calls.close(fd);
	return -1;
}

/* Somebody else may have come through the door. */
static bool is_end_of(int fd, int server_fd)
{
	struct socket_name ours, other, peer = {.length = sizeof(peer.address)};

	if (!socket_name_get(server_fd, &ours) ||
	    getpeername(fd, socket_name_address(&peer), &peer.length) != 0)
		return false;
	other = socket_name_other_form(&ours);
	return address_is_same(socket_name_address(&ours), ours.length, socket_name_address(&peer),
	                       peer.length, false) ||
	       address_is_same(socket_name_address(&other), other.length,
	                       socket_name_address(&peer), peer.length, false);
}

static int accept_end(int door, int server_fd)
{
	struct pollfd request = {.fd = door, .events = POLLIN};
	int fd;

	while (libc_calls.poll(&request, 1, LIMIT_MS) == 1) {
		fd = libc_calls.accept4(door, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 || is_end_of(fd, server_fd))
			return fd;
		libc_calls.close(fd);
	}
	return -1;
}

union rights {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* accept() writes as much of the carrier's name as the server has room for, so this name is as long as any
 * that the server may expect. */
static void give_name(int carrier)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	text_format(name.sun_path + 1, sizeof(name.sun_path) - 1, "%d %ld an own connection",
	            (int)RAW0(SYS_gettid), (long)clock_now_ns());
	(void)libc_calls.bind(carrier, (const void *)&name, CARRIER_NAME);
}

static void carry(int index, int end)
{
	const int fd = libc_calls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	union rights rights = {{0}};
	struct msghdr message = {.msg_iov = &(struct iovec){"", 1},
	                         .msg_iovlen = 1,
	                         .msg_control = rights.bytes,
	                         .msg_controllen = sizeof(rights.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct socket_name quiet;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &end, sizeof(end));
	if (fd < 0)
		return;
	give_name(fd);
	if (socket_name_get(quiet_listener_fds()[index], &quiet) &&
	    libc_calls.connect(fd, socket_name_address(&quiet), quiet.length) == 0)
		(void)libc_calls.sendmsg(fd, &message, MSG_NOSIGNAL);
	libc_calls.close(fd);
}

/* A connection that does not block is under way for the server, even if it is there already. */
static int connect_through(int door, struct socket_name *target, int server_fd, int index)
{
	const int result =
		libc_calls.connect(server_fd, socket_name_address(target), target->length);
	const int error = errno;
	int end;

	if (result == 0 || error == EINPROGRESS) {
		end = accept_end(door, server_fd);
		if (end >= 0) {
			carry(index, end);
			libc_calls.close(end);
		}
	}
	errno = error;
	return result;
}

static bool make_inet(int fd, struct socket_name *target, int index, int *ret_result)
{
	int door;

	if (socket_option_int(fd, SOL_SOCKET, SO_DOMAIN) != target->address.ss_family ||
	    !socket_name_is_local(target))
		return false;
	door = open_door(target, quiet_listener_address(index)->sa_family);
	if (door < 0)
		return false;
	*ret_result = connect_through(door, target, fd, index);
	libc_calls.close(door);
	return true;
}

static bool make_unix(int fd, int index, int *ret_result)
{
	struct socket_name quiet;

	if (!socket_name_get(quiet_listener_fds()[index], &quiet))
		return false;
	*ret_result = libc_calls.connect(fd, socket_name_address(&quiet), quiet.length);
	return true;
}

bool own_connection_make(int fd, const struct sockaddr *address, socklen_t length, int *ret_result)
{
	struct undisturbed before;
	struct socket_name target;
	bool is_made = false;
	int index, error;

	if (!quiet_listener_table_is_complete() || length > sizeof(struct sockaddr_storage) ||
	    !caller_memory_is_readable(address, length) ||
	    socket_option_int(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM ||
	    !socket_name_of_target(address, length, &target))
		return false;
	index = find_quiet(&target);
	if (index < 0)
		return false;
	undisturbed_begin(&before);
	is_made = socket_name_is_inet(&target) ? make_inet(fd, &target, index, ret_result)
	                                       : make_unix(fd, index, ret_result);
	error = errno;
	undisturbed_end(&before);
	errno = error;
	return is_made;
}

/* An accepted unix connection has the name of its listener. */
static bool came_through(int fd, int listener_fd)
{
	struct socket_name listener, local;

	return socket_name_get(listener_fd, &listener) && socket_name_get(fd, &local) &&
	       local.length == listener.length &&
	       memcmp(&local.address, &listener.address, sizeof(local.address)) == 0;
}

static bool is_of_this_process(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return libc_calls.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       peer.pid == getpid();
}

static int unload(int carrier, int flags)
{
	struct pollfd request = {.fd = carrier, .events = POLLIN};
	union rights rights = {{0}};
	char byte;
	struct msghdr message = {.msg_iov = &(struct iovec){&byte, 1},
	                         .msg_iovlen = 1,
	                         .msg_control = rights.bytes,
	                         .msg_controllen = sizeof(rights.bytes)};
	const struct cmsghdr *header;
	int fd = -1;

	if (libc_calls.poll(&request, 1, LIMIT_MS) != 1 ||
	    libc_calls.recvmsg(carrier, &message, flags & SOCK_CLOEXEC ? MSG_CMSG_CLOEXEC : 0) <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	if (flags & SOCK_NONBLOCK)
		(void)fcntl(fd, F_SETFL, O_NONBLOCK | O_RDWR);
	return fd;
}

static void tell_peer(int carrier, int end, struct sockaddr *address, socklen_t *length)
{
	struct socket_name written = {.length = sizeof(written.address)};
	struct socket_name peer = {.length = sizeof(peer.address)};
	const char *name = (const void *)&written.address, *room = (const void *)address;
	size_t n = 0;

	if (!address || !length || getpeername(carrier, (void *)name, &written.length) != 0 ||
	    getpeername(end, socket_name_address(&peer), &peer.length) != 0)
		return;
	while (n < written.length && n < peer.length && room[n] == name[n])
		n++;
	memcpy(address, &peer.address, n);
	*length = peer.length;
}

int own_connection_take(int listener_fd, int fd, int flags, struct sockaddr *address,
                        socklen_t *length)
{
	const int index = quiet_listener_find(listener_fd);
	struct undisturbed before;
	int brought = -1;

	if (index < 0 || !quiet_listener_is_quiet(index) || !came_through(fd, listener_fd))
		return fd;
	if (quiet_listener_address(index)->sa_family == AF_UNIX && is_of_this_process(fd))
		return fd;
	undisturbed_begin(&before);
	if (is_of_this_process(fd))
		brought = unload(fd, flags);
	if (brought >= 0)
		tell_peer(fd, brought, address, length);
	libc_calls.close(fd);
	undisturbed_end(&before);
	return brought;
}
