/* SPDX-License-Identifier: MIT */
/* Wraps socket, bind, listen, accept, connect, shutdown, getsockopt and getsockname. */
#include "base/interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/secure_mode.h"
#include "base/undisturbed.h"
#include "control/accepting.h"
#include "control/activation.h"
#include "control/candidate.h"
#include "control/ending.h"
#include "control/first_wait.h"
#include "control/unseen.h"
#include "control/wait_search.h"
#include "drain/own_connection.h"
#include "drain/quiet_listener.h"
#include "drain/shut_listener.h"
#include "drain/stop_accepting.h"
#include "generation/bound_files.h"
#include "generation/generation.h"
#include "http/exchange.h"
#include "kernel/address.h"
#include "kernel/caller_memory.h"
#include "kernel/listeners.h"
#include "kernel/sandbox.h"
#include "upgrade/adoption.h"
#include "upgrade/inheritance.h"
#include "upgrade/manifest.h"
#include "upgrade/obstacle.h"
#include "upgrade/probe.h"

static bool is_stream(int type)
{
	return (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM;
}

/* A number that the kernel uses again is no longer the socket that it may have been. */
EXPORT int socket(int family, int type, int protocol)
{
	const int fd = libc_calls.socket(family, type, protocol);

	manifest_note_any_port(fd, false);
	exchange_begin_anew(fd, is_stream(type) ? EXCHANGE_SOCKET : EXCHANGE_UNKNOWN);
	unseen_note_socket(fd, type);
	return fd;
}

static bool adopt(int fd, const struct sockaddr *address, socklen_t length)
{
	struct undisturbed before;
	bool is_adopted;

	if (length <= sizeof(sa_family_t) || length > sizeof(struct sockaddr_storage) ||
	    !caller_memory_is_readable(address, length))
		return false;
	undisturbed_begin(&before);
	if (inheritance_is_unknown())
		candidate_look(fd);
	is_adopted = adoption_adopt(fd, address, length) == 0;
	if (is_adopted) {
		activation_on_claim();
		wait_search_note_listener(fd);
	}
	undisturbed_end(&before);
	return is_adopted;
}

static void note_bind(int fd, bool is_adopted)
{
	if (atomic_load(&generation.role) != ROLE_NONE || !activation_is_awaited())
		return;
	unseen_note_bind(fd, is_adopted);
	if (unseen_may_listen(fd))
		atomic_fetch_or(&first_wait_missing, MISSING_LISTEN);
}

static void note_file(int fd, const struct sockaddr *address, socklen_t length)
{
	struct bound_file file;

	if (address->sa_family != AF_UNIX || !activation_is_awaited() ||
	    !bound_file_of(address, length, &file))
		return;
	bound_files_note(fd, &file);
	if (inheritance_may_be_found() && generation_is_being_born())
		adoption_note_replaced(&file);
}

EXPORT int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	bool is_adopted = inheritance_may_be_found() && adopt(fd, address, length);
	int result = is_adopted ? 0 : libc_calls.bind(fd, address, length);

	/* A process that has inherited nothing looks only where a bare one could not serve either. */
	if (result != 0 && errno == EADDRINUSE && inheritance_is_unknown() &&
	    activation_is_awaited() && adopt(fd, address, length)) {
		is_adopted = true;
		result = 0;
	}
	if (result != 0 && errno == EADDRINUSE && inheritance_may_be_found()) {
		if (obstacle_pass(fd, address, length))
			result = 0;
		else
			obstacle_note(fd, address, length);
	}
	if (result != 0) {
		candidate_note_failed_bind(fd);
	} else {
		manifest_note_any_port(fd, address_asks_for_any_port(address));
		if (!is_adopted)
			note_file(fd, address, length);
		note_bind(fd, is_adopted);
	}
	return result;
}

/* SO_REUSEPORT or port 0 have let it bind beside the predecessor, and nobody has looked. A unix socket may have
 * another name, and be renamed later. */
static bool adopt_bound(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);

	if (!inheritance_is_unknown() || libc_calls.getsockname(fd, (void *)&address, &length) != 0)
		return false;
	if (address.ss_family == AF_UNIX) {
		candidate_look(fd);
		return false;
	}
	if (adopt(fd, (void *)&address, length))
		return true;
	if (!manifest_asked_for_any_port(fd) || !inheritance_may_be_found())
		return false;
	address_forget_port((void *)&address);
	return adopt(fd, (void *)&address, length);
}

EXPORT int listen(int fd, int backlog)
{
	bool is_new = activation_is_awaited() && !listeners_is_listening(fd);
	struct undisturbed before;
	int result;

	if (is_new && adopt_bound(fd))
		is_new = false;
	result = libc_calls.listen(fd, backlog);
	if (result != 0 || secure_mode_is_on())
		return result;
	undisturbed_begin(&before);
	manifest_note_listening(fd);
	bound_files_note_backlog(fd, backlog);
	activation_on_listen(fd, is_new);
	wait_search_note_listener(fd);
	undisturbed_end(&before);
	return 0;
}

static inline __attribute__((always_inline)) int
call_accept(bool with_flags, int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	return with_flags ? libc_calls.accept4(fd, address, length, flags)
	                  : libc_calls.accept(fd, address, length);
}

static inline __attribute__((always_inline)) int
accept_with(bool with_flags, int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	struct accepting accepting;
	int result;

	if (accepting_begin_usual(fd)) {
		result = call_accept(with_flags, fd, address, length, flags);
		if (accepting_end_usual(result))
			return result;
		accepting_describe(&accepting, fd, address, length, flags);
		result = accepting_result(&accepting, result);
		if (result >= 0 || !accepting_goes_on(&accepting))
			return accepting_end(&accepting, result);
	} else {
		accepting_begin(&accepting, fd, address, length, flags);
	}
	do {
		if (accepting_may_ask(&accepting, &result))
			result = call_accept(with_flags, fd, address, length, flags);
		result = accepting_result(&accepting, result);
	} while (UNLIKELY(result < 0) && accepting_goes_on(&accepting));
	return accepting_end(&accepting, result);
}

EXPORT int accept(int fd, struct sockaddr *address, socklen_t *length)
{
	return accept_with(false, fd, address, length, 0);
}

EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	return accept_with(true, fd, address, length, flags);
}

/* A server that stops may connect to itself in order to wake a thread of its own. One that starts may ask so
 * whether its address is taken. */
EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	int result;

	if (UNLIKELY(inheritance_may_be_found()) && generation_is_being_born() &&
	    probe_is_for_inherited(fd, address, length)) {
		errno = ECONNREFUSED;
		return -1;
	}
	if (UNLIKELY(stop_accepting_has_begun()) && ending_has_begun() &&
	    own_connection_make(fd, address, length, &result))
		return result;
	return libc_calls.connect(fd, address, length);
}

EXPORT int shutdown(int fd, int how)
{
	if ((UNLIKELY(stop_accepting_has_begun()) || generation_may_share()) &&
	    !sandbox_is_tight() && shut_listener(fd, how))
		return 0;
	return libc_calls.shutdown(fd, how);
}

/* A server that finds that its socket listens already does not call listen(). Then this is the moment
 * from which it has a listener. */
EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	const int result = libc_calls.getsockopt(fd, level, name, value, length);
	bool is_adopted;

	if (UNLIKELY(name == SO_ACCEPTCONN) && level == SOL_SOCKET && result == 0 &&
	    atomic_load(&generation.role) == ROLE_NONE && unseen_is_own(fd, &is_adopted) &&
	    is_adopted)
		unseen_found(fd);
	return result;
}

/* Some servers ask a listener for its name when they stop (gunicorn removes a name that may be a
 * unix path). For a quiet listener this gives the name of the listener that it replaced. */
EXPORT int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	if (UNLIKELY(stop_accepting_has_begun()))
		return quiet_listener_getsockname(fd, address, length);
	return libc_calls.getsockname(fd, address, length);
}
