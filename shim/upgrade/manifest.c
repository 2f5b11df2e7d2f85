/* SPDX-License-Identifier: MIT */
#include "upgrade/manifest.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/interpose.h"
#include "generation/bound_files.h"
#include "base/kept_fd.h"
#include "generation/generation.h"
#include "generation/lowered.h"
#include "generation/start_image.h"
#include "kernel/listeners.h"
#include "kernel/socket_identity.h"
#include "kernel/socket_options.h"
#include "upgrade/gathered.h"

/* A server that uses select() can use descriptors below this number, and most limits allow them. */
#define HIGHEST_FD 1024

/* One bit for each descriptor that was bound so, and the socket (socket_identity.h) that then
 * listened under this number. A process that never listens makes no system call for it. */
static _Atomic uint64_t any_port[HIGHEST_FD / 64];
static _Atomic uint64_t any_port_listeners[HIGHEST_FD];

void manifest_note_any_port(int fd, bool asked)
{
	const uint64_t bit = 1ULL << (fd % 64);

	if (fd < 0 || fd >= HIGHEST_FD)
		return;
	if (asked)
		atomic_fetch_or(&any_port[fd / 64], bit);
	else if (atomic_load_explicit(&any_port[fd / 64], memory_order_relaxed) & bit)
		atomic_fetch_and(&any_port[fd / 64], ~bit);
}

bool manifest_asked_for_any_port(int fd)
{
	return (unsigned)fd < HIGHEST_FD && atomic_load(&any_port[fd / 64]) >> (fd % 64) & 1;
}

void manifest_note_listening(int fd)
{
	if (manifest_asked_for_any_port(fd))
		atomic_store(&any_port_listeners[fd], socket_identity(fd));
}

static bool asked_for_any_port(int fd)
{
	return fd < HIGHEST_FD && atomic_load(&any_port_listeners[fd]) == socket_identity(fd);
}

static void describe_listener(int fd, struct inherited_listener *listener)
{
	socklen_t length = sizeof(listener->address);

	listener->family = socket_option_int(fd, SOL_SOCKET, SO_DOMAIN);
	listener->type = socket_option_int(fd, SOL_SOCKET, SO_TYPE);
	listener->protocol = socket_option_int(fd, SOL_SOCKET, SO_PROTOCOL);
	if (listener->family == AF_INET6)
		listener->v6_only = socket_option_int(fd, IPPROTO_IPV6, IPV6_V6ONLY) > 0;
	listener->identity = socket_identity(fd);
	listener->asked_for_any_port = asked_for_any_port(fd);
	bound_files_get(fd, &listener->file);
	if (libc_calls.getsockname(fd, (void *)&listener->address, &length) == 0)
		listener->address_length = length;
}

static bool is_source(const struct spawn_fd *fds, int count, int number)
{
	for (int i = 0; i < count; i++) {
		if (fds[i].from == number)
			return true;
	}
	return false;
}

/* Returns a high number that none of the descriptors still to be copied has, nor one of the start. Any
 * other descriptor with that number in the child's own table is close-on-exec, and dup3() may replace
 * it. */
static int choose_number(const struct spawn_fd *fds, int count, int below)
{
	do
		below--;
	while (below > 2 && (start_fds_had(below) || is_source(fds, count, below)));
	return below > 2 ? below : -EMFILE;
}

int manifest_add_start_fds(struct spawn_fd *fds, int count)
{
	struct start_fd start_fds[START_FDS_MOST];
	const int start_count = start_fds_find(start_fds);

	for (int i = 0; i < start_count; i++)
		fds[count + i] = (struct spawn_fd){start_fds[i].from, start_fds[i].to};
	return count + start_count;
}

int manifest_add_kept(const struct manifest *manifest, struct spawn_fd *fds, int count)
{
	for (int which = 0; which < KEPT_COUNT; which++) {
		if (manifest->kept & 1u << which)
			fds[count++].from = kept_fd_number((enum kept)which);
	}
	return count;
}

/* Writes into RET_INDICES what each descriptor is (birth.h), in the order in which they are given.
 * Returns how many there are. BIRTH_FDS: the words. */
static int list_indices(const struct manifest *manifest, int ret_indices[MANIFEST_FDS])
{
	int count = 0;

	for (uint32_t i = 0; i < manifest->listener_count; i++)
		ret_indices[count++] = (int)i;
	ret_indices[count++] = BIRTH_MANIFEST;
	ret_indices[count++] = BIRTH_FDS;
	for (int which = 0; which < KEPT_COUNT; which++) {
		if (manifest->kept & 1u << which)
			ret_indices[count++] = BIRTH_KEPT + which;
	}
	return count;
}

int manifest_number(const struct manifest *manifest, struct birth *birth, struct spawn_fd *fds,
                    int count)
{
	struct rlimit limit = {HIGHEST_FD, HIGHEST_FD};
	int indices[MANIFEST_FDS];
	const int numbered = list_indices(manifest, indices);
	int below;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	below = limit.rlim_cur < HIGHEST_FD ? (int)limit.rlim_cur : HIGHEST_FD;
	for (int i = 0; i < numbered; i++) {
		below = choose_number(fds, count, below);
		if (below < 0)
			return below;
		fds[i].to = below;
		if (indices[i] < BIRTH_FDS)
			atomic_store(&birth->fds[indices[i]], below);
	}
	return 0;
}

static uint32_t what_is_kept(void)
{
	uint32_t set = 0;

	for (int which = 0; which < KEPT_COUNT; which++) {
		if (kept_fd_number((enum kept)which) >= 0)
			set |= 1u << which;
	}
	return set;
}

int manifest_fill(struct manifest *manifest, struct spawn_fd *ret_fds)
{
	int sources[GENERATION_LISTENERS];
	const int own = listeners_find(sources, GENERATION_LISTENERS);
	const int count = gathered_add(sources, own, GENERATION_LISTENERS);

	memset(manifest, 0, sizeof(*manifest));
	for (int i = 0; i < count; i++) {
		describe_listener(sources[i], &manifest->listeners[i]);
		ret_fds[i].from = sources[i];
	}
	manifest->listener_count = (uint32_t)count;
	manifest->predecessor = generation.pid;
	manifest->predecessor_start = process_identify(generation.pid).start;
	manifest->group = getpgrp();
	manifest->number = generation.lineage.number + 1;
	manifest->blocked = start_image.blocked;
	manifest->outer = generation.lineage.outer;
	manifest->kept = what_is_kept();
	manifest->has_no_root = lowered.has_no_root;
	manifest->has_other_tree = lowered.has_other_tree;
	return count;
}
