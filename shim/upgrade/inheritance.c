/* SPDX-License-Identifier: MIT */
#include "upgrade/inheritance.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/text.h"
#include "generation/generation.h"
#include "generation/parent.h"
#include "generation/paths.h"
#include "generation/start_fds.h"
#include "generation/start_image.h"
#include "kernel/procfs.h"
#include "upgrade/inherited.h"
#include "upgrade/variable.h"

_Atomic int inheritance_count;

/* Written before main, by the threads that bind (some servers bind in several at once) and by the
 * controller. The thread that takes a number out closes it. A fork copies this together with the
 * descriptors. */
static struct {
	struct manifest manifest; /* this process's copy */
	uint32_t count;           /* of its listeners */
	_Atomic int birth_fd;     /* -1: closed */
	/* by index in the manifest; -1: refused, adopted or closed; the last is the manifest's */
	_Atomic int fds[GENERATION_LISTENERS + 1];
} inheritance = {.birth_fd = -1};

static bool is_named_before(uint32_t index, int fd)
{
	for (uint32_t i = 0; i < index; i++) {
		if (atomic_load(&inheritance.fds[i]) == fd)
			return true;
	}
	return false;
}

static int waiting_fds(void)
{
	int count = atomic_load(&inheritance.birth_fd) >= 0;

	for (uint32_t i = 0; i <= GENERATION_LISTENERS; i++)
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

static void keep_waiting(int fd)
{
	start_fds_leave_out(fd);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void receive_listener(const struct birth *birth, uint32_t index,
                             void (*complain)(const char *, ...))
{
	const struct inherited_listener *listener = &inheritance.manifest.listeners[index];
	const int fd = atomic_load(&birth->fds[index]);
	const char *fault =
		is_named_before(index, fd) ? "it is named twice" : inherited_fault(fd, listener);

	if (fault) {
		complain("Refused the inherited descriptor %d: %s. Expected a listening socket.",
		         fd, fault);
		return;
	}
	keep_waiting(fd);
	atomic_store(&inheritance.fds[index], fd);
}

static void keep_lineage(void)
{
	const struct manifest *manifest = &inheritance.manifest;

	generation_inherit(manifest);
	failpoint_set_generation(manifest->number);
	paths_inherit(manifest);
}

/* The words of the birth name the manifest's descriptor. Closes nothing. */
static int receive_pages(int fd, char ret_release[GENERATION_RELEASE + 8])
{
	struct birth *birth;
	int error, manifest_fd;

	error = birth_map(fd, &birth, ret_release);
	if (error)
		return error;
	manifest_fd = atomic_load(&birth->fds[BIRTH_MANIFEST]);
	error = manifest_read(manifest_fd, &inheritance.manifest);
	if (error) {
		birth_drop(birth);
		return error;
	}
	keep_waiting(fd);
	keep_waiting(manifest_fd);
	atomic_store(&inheritance.birth_fd, fd);
	atomic_store(&inheritance.fds[BIRTH_MANIFEST], manifest_fd);
	atomic_store(&generation.birth, birth);
	return 0;
}

void inheritance_receive(const char *value, bool *ret_passed_on,
                         void (*complain)(const char *format, ...))
{
	char release[GENERATION_RELEASE + 8];
	struct variable variable;
	int error;

	for (uint32_t i = 0; i <= GENERATION_LISTENERS; i++)
		atomic_store(&inheritance.fds[i], -1);
	*ret_passed_on = false;
	if (!variable_read(value, &variable)) {
		complain("Ignored " HANDOVER_VARIABLE "=\"%.64s\": expected a descriptor's number.",
		         value);
		return;
	}
	error = receive_pages(variable.birth_fd, release);
	if (error) {
		inherited_explain(value, error, release, complain);
		return;
	}
	*ret_passed_on = variable.was_passed_on;
	if (variable.has_reaper)
		parent_inherit(variable.first_parent);
	keep_lineage();
	inheritance.count = inheritance.manifest.listener_count;
	for (uint32_t i = 0; i < inheritance.count; i++)
		receive_listener(atomic_load(&generation.birth), i, complain);
	count_fds();
}

static void close_waiting(_Atomic int *waiting)
{
	const int fd = atomic_exchange(waiting, -1);

	if (fd >= 0)
		libc_calls.close(fd);
}

static void close_pages(void)
{
	close_waiting(&inheritance.birth_fd);
	close_waiting(&inheritance.fds[BIRTH_MANIFEST]);
}

uint32_t inheritance_listeners(void)
{
	return inheritance.count;
}

const struct inherited_listener *inheritance_listener(uint32_t index)
{
	return &inheritance.manifest.listeners[index];
}

/* The server may claim a listener again that an ended process has claimed (a configuration test
 * before the real start). */
bool inheritance_claim(uint32_t index)
{
	struct birth *birth = atomic_load(&generation.birth);
	int32_t owner;

	if (!birth)
		return true;
	owner = atomic_load(&birth->claimed_by[index]);
	if (owner && !procfs_is_dead(owner))
		return false;
	return atomic_compare_exchange_strong(&birth->claimed_by[index], &owner, getpid());
}

static int32_t claimed_by(const struct birth *birth, uint32_t index)
{
	return birth ? atomic_load(&birth->claimed_by[index]) : 0;
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
		close_pages();
	count_fds();
}

int inheritance_unclaimed(void)
{
	const struct birth *birth = atomic_load(&generation.birth);
	int count = 0;

	for (uint32_t i = 0; birth && i < inheritance.count; i++)
		count += !claimed_by(birth, i);
	return count;
}

void inheritance_close_rest(void)
{
	const struct birth *birth = atomic_load(&generation.birth);

	if (!inheritance_is_waiting())
		return;
	/* Skips a listener that this process has claimed: a thread is just putting it in place. */
	for (uint32_t i = 0; i < inheritance.count; i++) {
		if (claimed_by(birth, i) != getpid())
			close_waiting(&inheritance.fds[i]);
	}
	close_pages();
	count_fds();
}

/* The only loop over the waiting descriptors: returns where the lowest one >= FIRST is kept, or
 * NULL. */
static _Atomic int *next_waiting(int first, int *ret_fd)
{
	_Atomic int *place = NULL;

	*ret_fd = atomic_load(&inheritance.birth_fd);
	if (*ret_fd >= first)
		place = &inheritance.birth_fd;
	for (uint32_t i = 0; i <= GENERATION_LISTENERS; i++) {
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
	struct birth *birth = atomic_load(&generation.birth);
	int lowest, moved;
	_Atomic int *waiting = next_waiting(fd, &lowest);

	if (!waiting || lowest != fd)
		return;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
	if (moved < 0)
		moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (waiting != &inheritance.birth_fd && moved >= 0 && birth)
		atomic_store(&birth->fds[waiting - inheritance.fds], moved);
	if (!atomic_compare_exchange_strong(waiting, &lowest, moved) && moved >= 0)
		libc_calls.close(moved); /* adopted or closed meanwhile */
}

void inheritance_pass_on(bool allow, char *entry, size_t size)
{
	struct variable variable = {.was_passed_on = true};

	for (int fd = inheritance_next(0); fd >= 0; fd = inheritance_next(fd + 1))
		(void)fcntl(fd, F_SETFD, allow ? 0 : FD_CLOEXEC);
	if (!allow)
		return;
	variable.birth_fd = atomic_load(&inheritance.birth_fd);
	variable.has_reaper = parent_is_reaper(&variable.first_parent);
	variable_write(&variable, entry, size);
}
