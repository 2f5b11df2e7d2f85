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
#include "kernel/epoll_sets.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/socket_identity.h"
#include "kernel/socket_options.h"
#include "upgrade/inheritance.h"
#include "upgrade/received.h"
#include "upgrade/shared_port.h"
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

/* What already listens may be in epoll sets. */
static int replace(int fd, int with)
{
	const int fd_flags = fcntl(fd, F_GETFD);
	struct epoll_sets sets;

	if (listeners_is_listening(fd)) {
		epoll_sets_find(&sets);
		return epoll_sets_replace(&sets, fd, with);
	}
	return libc_calls.dup3(with, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0 ? -errno : 0;
}

static int take_place_of(int fd, uint32_t index)
{
	int inherited, error;

	/* First out of the controller's reach, because the controller closes what no process has
	 * claimed in time. */
	own_fd_begin();
	inherited = waiting_take(index);
	socket_options_carry(fd, inherited);
	shared_port_carry(fd, inherited);
	carry_status_flags(fd, inherited);
	error = replace(fd, inherited);
	if (error)
		waiting_put(index, inherited);
	else
		libc_calls.close(inherited);
	own_fd_end();
	if (error)
		return error;
	(void)failpoint("adopted");
	bound_files_note(fd, &received_listener(index)->file);
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

struct wanted {
	const struct sockaddr *address;
	socklen_t length;
	struct bound_file file; /* what is at the path in it */
};

/* Whoever has bound this path since, or removed it, has taken it from the listener. Where the directory is
 * not to be found either, this process has another root, and only the name can tell. */
static bool leads_to(const struct wanted *wanted, const struct inherited_listener *listener)
{
	if (listener->file.inode && wanted->file.directory_inode)
		return bound_file_is_same(&wanted->file, &listener->file);
	return address_is_same(wanted->address, wanted->length, (const void *)&listener->address,
	                       listener->address_length, listener->asked_for_any_port);
}

int adoption_adopt(int fd, const struct sockaddr *address, socklen_t length)
{
	const int saved = errno;
	const uint32_t count = received_listeners();
	struct wanted wanted = {.address = address, .length = length};
	int result = -ENOENT;

	(void)bound_file_of(address, length, &wanted.file);
	for (uint32_t i = 0; i < count && result == -ENOENT; i++) {
		const struct inherited_listener *listener = received_listener(i);

		if (inheritance_is_here(i) && leads_to(&wanted, listener) &&
		    is_same_kind(fd, listener) && inheritance_claim(i))
			result = take_place_of(fd, i);
	}
	errno = saved;
	return result;
}

static bool is_file_of(const struct bound_file *file, const struct inherited_listener *listener)
{
	struct bound_file named;

	if (listener->file.inode)
		return bound_file_is_same(file, &listener->file);
	return bound_file_of((const void *)&listener->address, listener->address_length, &named) &&
	       bound_file_is_same(file, &named);
}

/* A thread that sleeps in accept() or poll() would go on to wait for what is replaced. */
static bool may_be_replaced(int fd, bool has_waited)
{
	struct epoll_registrations found;
	struct epoll_sets sets;

	if (!has_waited || !listeners_is_listening(fd))
		return true;
	epoll_sets_find(&sets);
	epoll_sets_find_registrations(&sets, fd, &found);
	return found.count > 0;
}

static int adopt_at(int fd, int backlog, const struct bound_file *to)
{
	for (uint32_t i = 0; i < received_listeners(); i++) {
		const struct inherited_listener *listener = received_listener(i);
		int result;

		if (!inheritance_is_here(i) || !is_file_of(to, listener) ||
		    !is_same_kind(fd, listener) || !inheritance_claim(i))
			continue;
		result = take_place_of(fd, i);
		if (result == 0 && backlog >= 0)
			(void)libc_calls.listen(fd, backlog);
		return result == 0 ? fd : result;
	}
	return -ENOENT;
}

int adoption_adopt_renamed(const struct bound_file *from, const struct bound_file *to,
                           bool has_waited)
{
	const int saved = errno;
	int backlog, result = -ENOENT;
	const int fd = bound_files_find(from, &backlog);

	if (fd >= 0 && may_be_replaced(fd, has_waited))
		result = adopt_at(fd, backlog, to);
	errno = saved;
	return result;
}

void adoption_note_replaced(const struct bound_file *by)
{
	const int saved = errno;

	for (uint32_t i = 0; i < received_listeners(); i++) {
		const struct bound_file *file = &received_listener(i)->file;

		if (bound_file_has_place_of(file, by) && !bound_file_is_same(file, by))
			inheritance_replace(i);
	}
	errno = saved;
}

bool adoption_is_near(void)
{
	for (uint32_t i = 0; i < received_listeners(); i++) {
		if (inheritance_is_unclaimed(i) &&
		    bound_files_have_draft(&received_listener(i)->file))
			return true;
	}
	return false;
}
