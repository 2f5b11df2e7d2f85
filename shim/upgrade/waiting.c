/* SPDX-License-Identifier: MIT */
#include "upgrade/waiting.h"

#include <fcntl.h>

#include "base/interpose.h"
#include "generation/generation.h"
#include "generation/start_fds.h"

_Atomic int waiting_count;

/* Written before main, by the threads that bind (some servers bind in several at once) and by the
 * controller. The thread that takes a number out closes it. A fork copies this together with the
 * descriptors. */
static struct {
	_Atomic int birth_fd; /* -1: closed */
	/* by index; -1: refused, adopted or closed */
	_Atomic int fds[BIRTH_FDS];
} waiting = {.birth_fd = -1};

bool waiting_is_before(uint32_t index, int fd)
{
	for (uint32_t i = 0; i < index; i++) {
		if (atomic_load(&waiting.fds[i]) == fd)
			return true;
	}
	return false;
}

static int how_many(void)
{
	int count = atomic_load(&waiting.birth_fd) >= 0;

	for (uint32_t i = 0; i < BIRTH_FDS; i++)
		count += atomic_load(&waiting.fds[i]) >= 0;
	return count;
}

/* Each thread counts again after its store, so that the last stored number is right. */
void waiting_count_again(void)
{
	int count;

	do {
		count = how_many();
		atomic_store(&waiting_count, count);
	} while (how_many() != count);
}

void waiting_clear(void)
{
	for (uint32_t i = 0; i < BIRTH_FDS; i++)
		atomic_store(&waiting.fds[i], -1);
}

static void keep(int fd)
{
	start_fds_leave_out(fd);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

bool waiting_has(uint32_t index)
{
	return atomic_load(&waiting.fds[index]) >= 0;
}

int waiting_fd(uint32_t index)
{
	return atomic_load(&waiting.fds[index]);
}

void waiting_put(uint32_t index, int fd)
{
	keep(fd);
	atomic_store(&waiting.fds[index], fd);
}

void waiting_put_words(int fd)
{
	keep(fd);
	atomic_store(&waiting.birth_fd, fd);
}

int waiting_take(uint32_t index)
{
	return atomic_exchange(&waiting.fds[index], -1);
}

int waiting_words(void)
{
	return atomic_load(&waiting.birth_fd);
}

static void let_go(_Atomic int *place)
{
	const int fd = atomic_exchange(place, -1);

	if (fd >= 0)
		libc_calls.close(fd);
}

void waiting_close_pages(void)
{
	let_go(&waiting.birth_fd);
	let_go(&waiting.fds[BIRTH_MANIFEST]);
}

void waiting_close(uint32_t index)
{
	let_go(&waiting.fds[index]);
}

/* The only loop over the waiting descriptors: returns where the lowest one >= FIRST is kept, or
 * NULL. */
static _Atomic int *next_waiting(int first, int *ret_fd)
{
	_Atomic int *place = NULL;

	*ret_fd = atomic_load(&waiting.birth_fd);
	if (*ret_fd >= first)
		place = &waiting.birth_fd;
	for (uint32_t i = 0; i < BIRTH_FDS; i++) {
		const int fd = atomic_load(&waiting.fds[i]);

		if (fd >= first && (!place || fd < *ret_fd)) {
			place = &waiting.fds[i];
			*ret_fd = fd;
		}
	}
	return place;
}

int waiting_next(int first)
{
	int fd;

	return next_waiting(first < 0 ? 0 : first, &fd) ? fd : -1;
}

bool waiting_owns(int fd)
{
	return fd >= 0 && waiting_next(fd) == fd;
}

void waiting_move_away(int fd)
{
	struct birth *birth = atomic_load(&generation.birth);
	int lowest, moved;
	_Atomic int *place = next_waiting(fd, &lowest);

	if (!place || lowest != fd)
		return;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
	if (moved < 0)
		moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (place != &waiting.birth_fd && moved >= 0 && birth)
		atomic_store(&birth->fds[place - waiting.fds], moved);
	if (!atomic_compare_exchange_strong(place, &lowest, moved) && moved >= 0)
		libc_calls.close(moved); /* adopted or closed meanwhile */
}

void waiting_close_kept(void)
{
	for (uint32_t i = BIRTH_KEPT; i < BIRTH_FDS; i++)
		let_go(&waiting.fds[i]);
}

static bool is_kept(int fd)
{
	return !waiting_is_before(BIRTH_KEPT, fd) && fd != waiting_words();
}

void waiting_survive_exec(bool allow, bool with_kept)
{
	for (int fd = waiting_next(0); fd >= 0; fd = waiting_next(fd + 1))
		(void)fcntl(fd, F_SETFD, allow && (with_kept || !is_kept(fd)) ? 0 : FD_CLOEXEC);
}
