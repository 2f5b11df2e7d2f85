/* SPDX-License-Identifier: MIT */
#include "upgrade/inheritance.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include "base/interpose.h"
#include "base/log.h"
#include "base/test_step.h"
#include "base/text.h"
#include "generation/start_image.h"
#include "kernel/address.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/socket_options.h"

_Atomic int inheritance_count;

/* Written before main, by whichever thread binds (some servers bind in each of theirs, at once) and by
 * the controller: who takes a number out is who closes it. A fork copies it together with the
 * descriptors it speaks of. */
static struct {
	struct generation_page *page; /* the one that came with them */
	uint32_t count;               /* of its listeners: the page is not asked twice */
	_Atomic int page_fd;          /* -1: closed */
	/* By index in the page; -1: refused, adopted or closed. */
	_Atomic int fds[GENERATION_LISTENERS];
} inheritance = {.page_fd = -1};

/* What the page says is not believed: a server must not find itself on another port. */
static bool is_at_its_address(const struct inherited_listener *listener)
{
	struct sockaddr_storage own = {0};
	socklen_t length = sizeof(own);

	return listener->address_length <= sizeof(listener->address) &&
	       libc_calls.getsockname(listener->fd, (void *)&own, &length) == 0 &&
	       length == listener->address_length && memcmp(&own, &listener->address, length) == 0;
}

static bool is_named_before(uint32_t index, int fd)
{
	for (uint32_t i = 0; i < index; i++) {
		if (atomic_load(&inheritance.fds[i]) == fd)
			return true;
	}
	return false;
}

static const char *find_fault(const struct inherited_listener *listener)
{
	const int fd = listener->fd;

	if (fcntl(fd, F_GETFD) < 0)
		return "it is not open";
	if (socket_option_int(fd, SOL_SOCKET, SO_TYPE) == -ENOTSOCK)
		return "it is not a socket";
	if (socket_option_int(fd, SOL_SOCKET, SO_DOMAIN) != listener->family)
		return "it is of another family";
	if (socket_option_int(fd, SOL_SOCKET, SO_TYPE) != listener->type)
		return "it is of another type";
	if (!listeners_is_listening(fd))
		return "it does not listen";
	if (!is_at_its_address(listener))
		return "it listens on another address";
	return NULL;
}

static int waiting_fds(void)
{
	int count = atomic_load(&inheritance.page_fd) >= 0;

	for (uint32_t i = 0; i < GENERATION_LISTENERS; i++)
		count += atomic_load(&inheritance.fds[i]) >= 0;
	return count;
}

/* Whoever stores last looks once more, and so the number is right in the end. */
static void count_fds(void)
{
	int count;

	do {
		count = waiting_fds();
		atomic_store(&inheritance_count, count);
	} while (waiting_fds() != count);
}

static void receive_listener(uint32_t index)
{
	const struct inherited_listener *listener = &inheritance.page->listeners[index];
	const char *fault =
		is_named_before(index, listener->fd) ? "it is named twice" : find_fault(listener);

	if (fault) {
		log_error("Refused the inherited descriptor %d: %s. Expected a listening socket.",
		          listener->fd, fault);
		return;
	}
	(void)fcntl(listener->fd, F_SETFD, FD_CLOEXEC);
	atomic_store(&inheritance.fds[index], listener->fd);
}

static const char *explain_map_error(int error)
{
	switch (error) {
	case -EPROTO:
		return "not the page of a generation";
	case -EPROTONOSUPPORT:
		return "the predecessor has another version of liboctopus.so";
	case -EBADF:
		return "no such descriptor";
	default:
		return "the page cannot be mapped";
	}
}

void inheritance_receive(const char *value, bool *ret_passed_on)
{
	struct generation_page *page;
	const char *at = value;
	uint64_t fd;
	int error;

	for (uint32_t i = 0; i < GENERATION_LISTENERS; i++)
		atomic_store(&inheritance.fds[i], -1);
	*ret_passed_on = false;
	if (text_read_number(&at, 10, &fd) != 0 || (*at && strcmp(at, "+") != 0) || fd > 1 << 20) {
		log_error("Ignored " HANDOVER_VARIABLE
		          "=\"%.64s\": expected a descriptor's number.",
		          value);
		return;
	}
	error = page_map((int)fd, &page);
	if (error) {
		log_error("Ignored " HANDOVER_VARIABLE "=\"%.64s\": %s. Starting without a "
		          "hand-over.",
		          value, explain_map_error(error));
		return;
	}
	*ret_passed_on = *at == '+';
	generation.page = page;
	test_step_set_generation(page->number);
	inheritance.page = page;
	inheritance.count = page->listener_count;
	atomic_store(&inheritance.page_fd, (int)fd);
	(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	for (uint32_t i = 0; i < inheritance.count; i++)
		receive_listener(i);
	count_fds();
}

/* One claimed by a process that has ended since (a configuration test before the real start) is
 * there to be claimed again. */
static bool claim(struct inherited_listener *listener)
{
	int32_t owner = atomic_load(&listener->claimed_by);

	if (owner && !procfs_is_dead(owner))
		return false;
	return atomic_compare_exchange_strong(&listener->claimed_by, &owner, getpid());
}

/* Only there does IPV6_V6ONLY say anything: a bind to any other address sets it by itself
 * (net/ipv6/af_inet6.c, __inet6_bind), which a socket before its bind cannot show. */
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

/* Listeners that the server made blocking and the predecessor did not, by their number. */
#define MOST_MIXED 4096
static _Atomic uint64_t mixed[MOST_MIXED / 64];

static void close_waiting(_Atomic int *waiting)
{
	const int fd = atomic_exchange(waiting, -1);

	if (fd >= 0)
		libc_calls.close(fd);
}

/* O_NONBLOCK belongs to the open file, which the predecessor shares until it has stopped accepting. A
 * predecessor that sits in a blocking accept() keeps sitting when it is set; one that polls would sit down for
 * good when it is not. Many servers set it only after bind(): then it is as it should be soon. */
static void carry_status_flags(int from, int to)
{
	const int wanted = fcntl(from, F_GETFL), present = fcntl(to, F_GETFL);

	if (wanted < 0 || present < 0 || (wanted & O_NONBLOCK) == (present & O_NONBLOCK))
		return;
	if (wanted & O_NONBLOCK)
		(void)fcntl(to, F_SETFL, present | O_NONBLOCK);
	else if ((unsigned)from < MOST_MIXED)
		atomic_fetch_or(&mixed[from / 64], 1ULL << (from % 64));
}

bool inheritance_is_mixed(int fd)
{
	return (unsigned)fd < MOST_MIXED && atomic_load(&mixed[fd / 64]) >> (fd % 64) & 1;
}

static int take_place_of(int fd, uint32_t index)
{
	/* Out of the controller's reach, which closes what nobody has claimed in time. */
	const int inherited = atomic_exchange(&inheritance.fds[index], -1);
	const int fd_flags = fcntl(fd, F_GETFD);

	socket_options_carry(fd, inherited);
	carry_status_flags(fd, inherited);
	if (libc_calls.dup3(inherited, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0) {
		atomic_store(&inheritance.fds[index], inherited);
		return -errno;
	}
	libc_calls.close(inherited);
	(void)test_step("adopted");
	listeners_mark_held(fd);
	if (inheritance_unclaimed() == 0)
		close_waiting(&inheritance.page_fd);
	count_fds();
	return 0;
}

int inheritance_adopt(int fd, const struct sockaddr *address, socklen_t length)
{
	const int saved = errno;
	int result = -ENOENT;

	for (uint32_t i = 0; i < inheritance.count && result == -ENOENT; i++) {
		struct inherited_listener *listener = &inheritance.page->listeners[i];

		if (atomic_load(&inheritance.fds[i]) >= 0 &&
		    address_is_same(address, length, (const void *)&listener->address,
		                    listener->address_length, listener->asked_for_any_port) &&
		    is_same_kind(fd, listener) && claim(listener))
			result = take_place_of(fd, i);
	}
	errno = saved;
	return result;
}

int inheritance_unclaimed(void)
{
	int count = 0;

	for (uint32_t i = 0; i < inheritance.count; i++)
		count += !atomic_load(&inheritance.page->listeners[i].claimed_by);
	return count;
}

void inheritance_close_rest(void)
{
	if (!inheritance_is_waiting())
		return;
	/* One that this process has claimed is just being put in its place, by a thread of the server's. */
	for (uint32_t i = 0; i < inheritance.count; i++) {
		if (atomic_load(&inheritance.page->listeners[i].claimed_by) != getpid())
			close_waiting(&inheritance.fds[i]);
	}
	close_waiting(&inheritance.page_fd);
	count_fds();
}

/* Calls for each waiting descriptor would be a callback for nothing: this is the only loop. */
static _Atomic int *next_waiting(int first, int *ret_fd)
{
	_Atomic int *place = NULL;

	*ret_fd = atomic_load(&inheritance.page_fd);
	if (*ret_fd >= first)
		place = &inheritance.page_fd;
	for (uint32_t i = 0; i < GENERATION_LISTENERS; i++) {
		const int fd = atomic_load(&inheritance.fds[i]);

		if (fd >= first && (!place || fd < *ret_fd)) {
			place = &inheritance.fds[i];
			*ret_fd = fd;
		}
	}
	return place;
}

int inheritance_next(int first)
{
	int fd;

	return next_waiting(first < 0 ? 0 : first, &fd) ? fd : -1;
}

bool inheritance_owns(int fd)
{
	return fd >= 0 && inheritance_next(fd) == fd;
}

void inheritance_move_away(int fd)
{
	int lowest, moved;
	_Atomic int *waiting = next_waiting(fd, &lowest);

	if (!waiting || lowest != fd)
		return;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
	if (moved < 0)
		moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (waiting != &inheritance.page_fd && moved >= 0)
		inheritance.page->listeners[waiting - inheritance.fds].fd = moved;
	if (!atomic_compare_exchange_strong(waiting, &lowest, moved) && moved >= 0)
		libc_calls.close(moved); /* adopted or closed meanwhile */
}

void inheritance_pass_on(bool allow, char *entry, size_t size)
{
	for (int fd = inheritance_next(0); fd >= 0; fd = inheritance_next(fd + 1))
		(void)fcntl(fd, F_SETFD, allow ? 0 : FD_CLOEXEC);
	if (allow)
		text_format(entry, size, HANDOVER_VARIABLE "=%d+",
		            atomic_load(&inheritance.page_fd));
}
