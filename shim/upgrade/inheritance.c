/* SPDX-License-Identifier: MIT */
#include "upgrade/inheritance.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/text.h"
#include "generation/generation.h"
#include "generation/start_image.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/socket_options.h"

_Atomic int inheritance_count;

/* Written before main, by the threads that bind (some servers bind in several at once) and by the
 * controller. The thread that takes a number out closes it. A fork copies this together with the
 * descriptors. */
static struct {
	struct generation_page *page; /* the page that came with the descriptors */
	uint32_t count;               /* of the page's listeners, read only once */
	_Atomic int page_fd;          /* -1: closed */
	/* by index in the page; -1: refused, adopted or closed */
	_Atomic int fds[GENERATION_LISTENERS];
} inheritance = {.page_fd = -1};

/* Octopus does not trust the page: a server must not find itself on another port. */
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

/* Each thread counts again after its store, so that the last stored number is right. */
static void count_fds(void)
{
	int count;

	do {
		count = waiting_fds();
		atomic_store(&inheritance_count, count);
	} while (waiting_fds() != count);
}

static void receive_listener(uint32_t index, void (*complain)(const char *, ...))
{
	const struct inherited_listener *listener = &inheritance.page->listeners[index];
	const char *fault =
		is_named_before(index, listener->fd) ? "it is named twice" : find_fault(listener);

	if (fault) {
		complain("Refused the inherited descriptor %d: %s. Expected a listening socket.",
		         listener->fd, fault);
		return;
	}
	(void)fcntl(listener->fd, F_SETFD, FD_CLOEXEC);
	atomic_store(&inheritance.fds[index], listener->fd);
}

/* Says why VALUE leads to no hand-over. */
static void explain_map_error(const char *value, int error, const char *release,
                              void (*complain)(const char *, ...))
{
	const char *fault = error == -EPROTO  ? "not the page of a generation"
	                    : error == -EBADF ? "no such descriptor"
	                                      : "the page cannot be mapped";

	if (error == -EPROTONOSUPPORT)
		complain(
			"Ignored " HANDOVER_VARIABLE
			"=\"%.64s\": the predecessor runs liboctopus.so %s, this one is %s. Starting without a hand-over.",
			value, release, OCTOPUS_VERSION);
	else
		complain("Ignored " HANDOVER_VARIABLE
		         "=\"%.64s\": %s. Starting without a hand-over.",
		         value, fault);
}

void inheritance_receive(const char *value, bool *ret_passed_on,
                         void (*complain)(const char *format, ...))
{
	struct generation_page *page;
	char release[GENERATION_RELEASE + 8];
	const char *at = value;
	uint64_t fd;
	int error;

	for (uint32_t i = 0; i < GENERATION_LISTENERS; i++)
		atomic_store(&inheritance.fds[i], -1);
	*ret_passed_on = false;
	if (text_read_number(&at, 10, &fd) != 0 || (*at && strcmp(at, "+") != 0) || fd > 1 << 20) {
		complain("Ignored " HANDOVER_VARIABLE "=\"%.64s\": expected a descriptor's number.",
		         value);
		return;
	}
	error = page_map((int)fd, &page, release);
	if (error) {
		explain_map_error(value, error, release, complain);
		return;
	}
	*ret_passed_on = *at == '+';
	generation.page = page;
	failpoint_set_generation(page->number);
	inheritance.page = page;
	inheritance.count = page->listener_count;
	atomic_store(&inheritance.page_fd, (int)fd);
	(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	for (uint32_t i = 0; i < inheritance.count; i++)
		receive_listener(i, complain);
	count_fds();
}

static void close_waiting(_Atomic int *waiting)
{
	const int fd = atomic_exchange(waiting, -1);

	if (fd >= 0)
		libc_calls.close(fd);
}

uint32_t inheritance_listeners(void)
{
	return inheritance.count;
}

struct inherited_listener *inheritance_listener(uint32_t index)
{
	return &inheritance.page->listeners[index];
}

bool inheritance_is_here(uint32_t index)
{
	return atomic_load(&inheritance.fds[index]) >= 0;
}

int inheritance_take(uint32_t index)
{
	return atomic_exchange(&inheritance.fds[index], -1);
}

void inheritance_put_back(uint32_t index, int fd)
{
	atomic_store(&inheritance.fds[index], fd);
}

void inheritance_taken(void)
{
	if (inheritance_unclaimed() == 0)
		close_waiting(&inheritance.page_fd);
	count_fds();
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
	/* Skips a listener that this process has claimed: a thread is just putting it in place. */
	for (uint32_t i = 0; i < inheritance.count; i++) {
		if (atomic_load(&inheritance.page->listeners[i].claimed_by) != getpid())
			close_waiting(&inheritance.fds[i]);
	}
	close_waiting(&inheritance.page_fd);
	count_fds();
}

/* The only loop over the waiting descriptors: returns where the lowest one >= FIRST is kept, or
 * NULL. */
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
