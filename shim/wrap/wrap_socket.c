/* SPDX-License-Identifier: MIT */
/* socket, bind, listen, accept, shutdown. */
#include "base/interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "base/log.h"
#include "base/test_step.h"
#include "control/controller.h"
#include "control/takeover.h"
#include "control/waiting.h"
#include "drain/quiet_listener.h"
#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "http/traffic.h"
#include "kernel/address.h"
#include "kernel/listeners.h"
#include "signal/restart.h"
#include "upgrade/adoption.h"
#include "upgrade/inheritance.h"
#include "upgrade/manifest.h"

#define MIXED_WAIT_MS 100

/* A number that is used anew is no longer the listener it may have been. */
EXPORT int socket(int family, int type, int protocol)
{
	const int fd = libc_calls.socket(family, type, protocol);

	manifest_note_any_port(fd, false);
	traffic_begin_anew(fd, false);
	return fd;
}

EXPORT int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	int result;

	if (inheritance_is_waiting() && address && length > sizeof(sa_family_t) &&
	    adoption_adopt(fd, address, length) == 0) {
		log_info("Imported a listener from file.");
		result = 0;
	} else {
		result = libc_calls.bind(fd, address, length);
	}
	if (result == 0)
		manifest_note_any_port(fd, address_asks_for_any_port(address));
	return result;
}

EXPORT int listen(int fd, int backlog)
{
	const bool is_new = !listeners_is_listening(fd);
	const int result = libc_calls.listen(fd, backlog);

	if (result == 0)
		takeover_on_listen(fd, is_new);
	return result;
}

/* Leaves errno as the kernel set it, unless the listener is a quiet one. */
static int after_accept(int fd, int result)
{
	stop_accepting_leave_accept();
	if (result >= 0) {
		traffic_begin_anew(result, true);
		takeover_note_accept();
	} else {
		quiet_listener_accept_failed(fd);
	}
	return result;
}

/* While two generations share a blocking listener, one connection wakes both where they poll, and the one
 * that comes too late would sit in accept() although it has connections to answer. True if there is
 * nothing to accept, with the error for a thread that polls (accept(2): like EAGAIN). */
static bool is_too_late(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};

	if (!quiet_listener_thread_polls() || !generation_may_share() ||
	    fcntl(fd, F_GETFL) & O_NONBLOCK || libc_calls.poll(&request, 1, 0) != 0)
		return false;
	errno = ECONNABORTED;
	return true;
}

/* A blocking accept() has put a descriptor aside for the next connection, gives it back when a signal wakes
 * it, and wants one again as it goes on. If all others are in use, what an upgrade or a drain opens may be
 * that one: then it waits, as it would have. Elsewhere the error is the server's own. */
static bool lost_its_descriptor(int fd, bool *was_tried)
{
	const struct timespec moment = {0, 1000000};

	if (errno != EMFILE || !generation.page || stop_accepting_has_begun() ||
	    fcntl(fd, F_GETFL) & O_NONBLOCK)
		return false;
	errno = EMFILE;
	/* Once in any case: it may have been closed by now. */
	if (!*was_tried)
		return *was_tried = true;
	if (!controller_is_at_work())
		return false;
	return libc_calls.nanosleep(&moment, NULL) == 0 || restart_is_due();
}

/* A thread that never polled and finds no connection expects to wait for one. It looks up now and then: where it
 * waits, nobody can wake it when the process stops accepting. */
static bool waited_for_it(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};

	if (errno != EAGAIN || stop_accepting_has_begun() || quiet_listener_thread_polls() ||
	    !adoption_blocks_for_server(fd) || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return false;
	return libc_calls.poll(&request, 1, MIXED_WAIT_MS) >= 0 || restart_is_due();
}

/* A listener with a time limit (SO_RCVTIMEO) is never restarted by the kernel (signal(7)). */
static bool is_worth_another_try(int fd, bool *was_tried)
{
	return restart_is_due() || lost_its_descriptor(fd, was_tried) || waited_for_it(fd);
}

EXPORT int accept(int fd, struct sockaddr *address, socklen_t *length)
{
	bool was_tried = false;
	int result;

	if (waiting_is_watched())
		waiting_on_fd(fd);
	if (is_too_late(fd))
		return -1;
	(void)test_step("accepting");
	stop_accepting_enter_accept();
	do
		result = libc_calls.accept(fd, address, length);
	while (UNLIKELY(result < 0) && is_worth_another_try(fd, &was_tried));
	return after_accept(fd, result);
}

EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	bool was_tried = false;
	int result;

	if (waiting_is_watched())
		waiting_on_fd(fd);
	if (is_too_late(fd))
		return -1;
	(void)test_step("accepting");
	stop_accepting_enter_accept();
	do
		result = libc_calls.accept4(fd, address, length, flags);
	while (UNLIKELY(result < 0) && is_worth_another_try(fd, &was_tried));
	return after_accept(fd, result);
}

/* Shutting a listener down ends it for every process that shares it, another generation's too
 * (shutdown(2) works on the socket, not on the descriptor). This process stops anyway when it
 * closes its own. */
EXPORT int shutdown(int fd, int how)
{
	if (generation_may_share() && listeners_is_listening(fd) && listeners_is_held_elsewhere(fd))
		return 0;
	return libc_calls.shutdown(fd, how);
}

/* Servers ask a listener for its name also when they stop (gunicorn removes what it takes for a unix
 * path): a quiet one answers with that of the listener it stands for. */
EXPORT int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	if (UNLIKELY(stop_accepting_has_begun()) && quiet_listener_get_address(fd, address, length))
		return 0;
	return libc_calls.getsockname(fd, address, length);
}
