/* SPDX-License-Identifier: MIT */
#include "control/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/raw_syscall.h"
#include "base/undisturbed.h"
#include "drain/accept_calls.h"
#include "drain/stop_accepting.h"
#include "http/exchange.h"
#include "kernel/caller_memory.h"
#include "kernel/socket_identity.h"

/* More than there are threads that are told of a connection at one time and have not asked for it. */
#define PLACES 64

/* A thread owns a place while it is BUSY. It is undisturbed meanwhile. */
enum { FREE, BUSY, KEPT };

/* One connection. */
struct place {
	_Atomic uint64_t identity; /* the server may have closed numbers blindly */
	const void *_Atomic taker; /* the thread, by the address of a variable of its own */
	_Atomic int state;
	_Atomic int listener_fd;
	_Atomic int fd;
	socklen_t length;
	struct sockaddr_storage address;
};

static struct place places[PLACES];

_Atomic int kept_count;

static __thread char this_thread;

static bool claim(struct place *place, int state)
{
	return atomic_compare_exchange_strong(&place->state, &state, BUSY);
}

static void become(struct place *place, int state)
{
	if (state == FREE)
		atomic_fetch_sub(&kept_count, 1);
	atomic_store(&place->state, state);
}

/* TAKER: NULL for whichever thread. */
static bool is_of(struct place *place, int fd, const void *taker)
{
	return atomic_load(&place->state) == KEPT && atomic_load(&place->listener_fd) == fd &&
	       (!taker || atomic_load(&place->taker) == taker);
}

static bool has(int fd, const void *taker)
{
	for (int i = 0; kept_any() && i < PLACES; i++) {
		if (is_of(&places[i], fd, taker))
			return true;
	}
	return false;
}

bool kept_has(int fd)
{
	return has(fd, NULL);
}

static struct place *claim_free(void)
{
	for (int i = 0; i < PLACES; i++) {
		if (claim(&places[i], FREE)) {
			atomic_fetch_add(&kept_count, 1);
			return &places[i];
		}
	}
	return NULL;
}

/* Between the look and the claim the place may have become another one's. */
static struct place *claim_kept(int fd, const void *taker)
{
	for (int i = 0; i < PLACES; i++) {
		struct place *place = &places[i];

		if (!is_of(place, fd, taker) || !claim(place, KEPT))
			continue;
		if (atomic_load(&place->listener_fd) == fd)
			return place;
		atomic_store(&place->state, KEPT);
	}
	return NULL;
}

/* Past libc, whose accept4() is a cancellation point. */
static long accept_into(struct place *place, int fd)
{
	place->length = sizeof(place->address);
	return RAW4(SYS_accept4, fd, &place->address, &place->length, SOCK_CLOEXEC);
}

static enum kept_result take_into(struct place *place, int fd)
{
	const long taken = stop_accepting_has_begun() ? -EINVAL : accept_into(place, fd);

	if (taken < 0) {
		become(place, FREE);
		return taken == -EAGAIN ? KEPT_NONE : KEPT_UNKNOWN;
	}
	place->fd = (int)taken;
	place->identity = socket_identity(place->fd);
	place->taker = &this_thread;
	exchange_begin_anew(place->fd, EXCHANGE_ACCEPTED);
	atomic_store(&place->listener_fd, fd);
	become(place, KEPT);
	return KEPT_ONE;
}

/* As an accept() of the server's: the controller waits for it when the process stops accepting. */
enum kept_result kept_take(int fd)
{
	enum kept_result result = KEPT_UNKNOWN;
	const int saved = errno;
	struct undisturbed before;
	struct place *place;

	(void)failpoint("taking");
	undisturbed_begin(&before);
	accept_calls_enter();
	own_fd_begin();
	if (has(fd, &this_thread))
		result = KEPT_ONE;
	else if ((place = claim_free()))
		result = take_into(place, fd);
	own_fd_end();
	accept_calls_leave();
	if (result == KEPT_NONE && kept_has(fd))
		result = KEPT_ONE;
	undisturbed_end(&before);
	if (result == KEPT_ONE)
		(void)failpoint("kept");
	errno = saved;
	return result;
}

/* Writes what getpeername(2) does not say of a connection that was reset since. */
static void put_name(const struct place *place, struct sockaddr *address, socklen_t *length)
{
	const socklen_t room = *length < place->length ? *length : place->length;

	if (caller_memory_is_readable(address, room))
		memcpy(address, &place->address, room);
	*length = place->length;
}

/* Returns 0 or -errno. The kernel judges the server's pointers. */
static int tell_name(const struct place *place, struct sockaddr *address, socklen_t *length)
{
	if (!address || getpeername(place->fd, address, length) == 0)
		return 0;
	if (errno != ENOTCONN || !caller_memory_is_readable(length, sizeof(*length)))
		return errno == ENOTCONN ? -EFAULT : -errno;
	put_name(place, address, length);
	return 0;
}

static int give(const struct place *place, struct sockaddr *address, socklen_t *length, int flags)
{
	const int fd = place->fd;
	const int error = tell_name(place, address, length);

	if (error) {
		libc_calls.close(fd);
		errno = -error;
		return -1;
	}
	if (flags & SOCK_NONBLOCK)
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (!(flags & SOCK_CLOEXEC))
		(void)fcntl(fd, F_SETFD, 0);
	return fd;
}

static bool is_still_it(const struct place *place)
{
	return socket_identity(place->fd) == place->identity;
}

bool kept_accept(int fd, struct sockaddr *address, socklen_t *length, int flags, int *ret_result)
{
	const int saved = errno;
	struct undisturbed before;
	struct place *place;
	bool is_given = false;

	if (!kept_any() || flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return false;
	undisturbed_begin(&before);
	while (!is_given &&
	       ((place = claim_kept(fd, &this_thread)) || (place = claim_kept(fd, NULL)))) {
		is_given = is_still_it(place);
		errno = saved;
		if (is_given)
			*ret_result = give(place, address, length, flags);
		become(place, FREE);
	}
	undisturbed_end(&before);
	return is_given;
}

bool kept_owns(int fd)
{
	for (int i = 0; kept_any() && i < PLACES; i++) {
		if (atomic_load(&places[i].state) == KEPT && places[i].fd == fd &&
		    is_still_it(&places[i]))
			return true;
	}
	return false;
}

static void end(struct place *place)
{
	if (is_still_it(place))
		libc_calls.close(place->fd);
	become(place, FREE);
}

void kept_end_of(int fd)
{
	const int saved = errno;
	struct undisturbed before;
	struct place *place;

	undisturbed_begin(&before);
	while (kept_any() && (place = claim_kept(fd, NULL)))
		end(place);
	undisturbed_end(&before);
	errno = saved;
}

void kept_forked(void)
{
	for (int i = 0; i < PLACES; i++) {
		if (atomic_load(&places[i].state) == KEPT)
			end(&places[i]);
		atomic_store(&places[i].state, FREE);
	}
	atomic_store(&kept_count, 0);
}
