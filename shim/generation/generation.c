/* SPDX-License-Identifier: MIT */
#include "generation/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/interpose.h"
#include "base/test_step.h"
#include "kernel/address.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#endif

struct generation generation;

#define PAGE_SIZE_ROUNDED ((sizeof(struct generation_page) + 4095) & ~(size_t)4095)

/* Returns a sealed memfd of the page's size, or -errno. */
static int make_memfd(void)
{
	int error = test_step("memfd");
	int fd;

	if (error)
		return error;
	fd = (int)RAW2(SYS_memfd_create, "octopus", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)PAGE_SIZE_ROUNDED) != 0) {
		error = -errno;
		libc_calls.close(fd);
		return error;
	}
	/* Nobody may take the memory away under a mapping: that would be a SIGBUS later. */
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	return fd;
}

int generation_make_page(struct generation_page **ret_page, int *ret_fd)
{
	const int fd = make_memfd();
	const int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
	struct generation_page *page =
		mmap(NULL, PAGE_SIZE_ROUNDED, PROT_READ | PROT_WRITE, flags, fd < 0 ? -1 : fd, 0);

	if (page == MAP_FAILED || (errno = -test_step("page")) != 0) {
		const int error = -errno;

		if (fd >= 0)
			libc_calls.close(fd);
		return error;
	}
	page->magic = GENERATION_MAGIC;
	page->version = GENERATION_VERSION;
	page->size = sizeof(*page);
	*ret_page = page;
	*ret_fd = fd;
	return 0;
}

/* The other side may be another version of this library, or somebody who set the variable to
 * whatever number: nothing in the page is believed before this. Later it may only grow at its end
 * within a version. */
static int check_page(const struct generation_page *page)
{
	if (page->magic != GENERATION_MAGIC)
		return -EPROTO;
	if (page->version != GENERATION_VERSION || page->size < sizeof(*page))
		return -EPROTONOSUPPORT;
	return page->listener_count <= GENERATION_LISTENERS ? 0 : -EPROTO;
}

int generation_map_page(int fd, struct generation_page **ret_page)
{
	struct generation_page *page;
	struct stat what;
	int seals, error;

	if (fstat(fd, &what) != 0)
		return -errno;
	/* A file that somebody could still truncate would mean SIGBUS later. */
	seals = fcntl(fd, F_GET_SEALS);
	if (!S_ISREG(what.st_mode) ||
	    what.st_size < (off_t)offsetof(struct generation_page, bell) || seals < 0 ||
	    !(seals & F_SEAL_SHRINK))
		return -EPROTO;
	page = mmap(NULL, PAGE_SIZE_ROUNDED, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED || (errno = -test_step("map")) != 0)
		return -errno;
	error = check_page(page);
	if (error == 0 && what.st_size < (off_t)sizeof(*page))
		error = -EPROTO;
	if (error) {
		generation_drop_page(page);
		return error;
	}
	*ret_page = page;
	return 0;
}

void generation_drop_page(struct generation_page *page)
{
	if (page)
		(void)munmap(page, PAGE_SIZE_ROUNDED);
}

static struct member *take_place(struct member *members, pid_t pid)
{
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		struct member *place = &members[(generation.pid + i) % GENERATION_MEMBERS];
		int32_t free_place = 0;

		if (atomic_load(&place->pid) == 0 &&
		    atomic_compare_exchange_strong(&place->pid, &free_place, pid))
			return place;
	}
	return NULL;
}

bool generation_is_live(struct member *place)
{
	const pid_t pid = atomic_load(&place->pid);

	if (pid == 0)
		return false;
	if (pid == PID_RESERVED || !procfs_is_dead(pid))
		return true;
	atomic_store(&place->pid, 0);
	return false;
}

static struct member *find_place(pid_t pid)
{
	struct member *members = generation.page->members;
	struct member *place = take_place(members, pid);

	if (place)
		return place;
	for (int i = 0; i < GENERATION_MEMBERS; i++)
		(void)generation_is_live(&members[i]);
	return take_place(members, pid);
}

struct member *generation_reserve_place(void)
{
	struct member *place = find_place(PID_RESERVED);

	if (place) {
		atomic_store(&place->kind, MEMBER_CONNECTION);
		atomic_store(&place->connections, 1);
	}
	return place;
}

void generation_free_place(struct member *place)
{
	atomic_store(&place->connections, 0);
	atomic_store(&place->pid, 0);
	bell_ring(&generation.page->bell);
}

void generation_join(enum member_kind kind)
{
	struct member *place = atomic_load(&generation.membership);
	/* A child forked for a connection that becomes a worker has it still. */
	const bool has_connection = place || kind == MEMBER_CONNECTION;

	if (!place)
		place = find_place(generation.pid);
	if (!place)
		return;
	atomic_store(&place->kind, kind);
	atomic_store(&place->has_stopped_accepting, 0);
	atomic_store(&place->idle, 0);
	atomic_store(&place->has_peers, 0);
	atomic_store(&place->connections, has_connection);
	atomic_store(&place->pid, generation.pid);
	atomic_store(&generation.membership, place);
}

void generation_leave(void)
{
	struct member *place = atomic_exchange(&generation.membership, NULL);

	if (place)
		generation_free_place(place);
}

bool generation_is_heir(void)
{
	const pid_t leader = atomic_load(&generation.page->leader);

	if (getppid() == generation.fork_parent)
		return false;
	return leader == 0 || procfs_is_dead(leader);
}

bool generation_successor_lives(void)
{
	struct generation_page *successor = atomic_load(&generation.successor);
	pid_t leader;

	if (!successor || atomic_load(&successor->phase) == PHASE_LEFT)
		return false;
	leader =
		atomic_load(&successor->leader); /* 0: moving from a daemon's parent to its child */
	return leader == 0 || !procfs_is_dead(leader);
}

bool generation_is_taken_over(const struct sockaddr *address, socklen_t length)
{
	const struct generation_page *page = atomic_load(&generation.successor);

	if (!generation_successor_lives())
		return false;
	for (uint32_t i = 0; i < page->listener_count; i++) {
		const struct inherited_listener *listener = &page->listeners[i];

		if (atomic_load(&listener->claimed_by) &&
		    address_is_same(address, length, (const void *)&listener->address,
		                    listener->address_length, false))
			return true;
	}
	return false;
}

bool generation_predecessor_serves(void)
{
	const struct generation_page *page = generation.page;

	return page->predecessor > 0 && atomic_load(&page->predecessor_holds) &&
	       !procfs_is_dead(page->predecessor);
}

bool generation_may_share(void)
{
	return atomic_load(&generation.successor) ||
	       (generation.page && atomic_load(&generation.page->predecessor_holds));
}

void generation_forked(void)
{
	generation.fork_parent = generation.pid;
	generation.pid = getpid();
	atomic_store(&generation.membership, NULL);
	/* Not unmapped: a fork should not take longer for it. */
	atomic_store(&generation.successor, NULL);
	if (atomic_load(&generation.role) != ROLE_NONE)
		atomic_store(&generation.role, ROLE_WORKER);
}
