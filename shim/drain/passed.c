/* SPDX-License-Identifier: MIT */
#include "drain/passed.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/raw_memory.h"
#include "base/text.h"
#include "drain/passed_ports.h"
#include "drain/quiet_listener.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "generation/news.h"
#include "kernel/address.h"
#include "kernel/ancestry.h"
#include "kernel/kinship.h"
#include "kernel/procfs.h"
#include "kernel/procfs_children.h"
#include "kernel/sandbox.h"
#include "kernel/socket_identity.h"
#include "kernel/tcp_connections.h"
#include "signal/branches.h"
#include "signal/wake_signal.h"
#include "upgrade/spawn.h"

#define MOST_GENERATIONS_BELOW 8

#define LEAST_BETWEEN_SEARCHES_MS 50
#define REST_FOR_EACH_MS 10

/* A process that holds some is told so often: it may have got another one since. */
#define TELL_AGAIN_MS 500

/* A connection may go from a process that is still to be looked at to one that has been. */
#define SEARCHES_WITHOUT 2

/* What waits in a process's socket may be such a connection. One that reads nothing for so long never will. */
#define ON_THEIR_WAY_MS 10000

/* A set of sockets, by hashing: most of them are other generations' connections to the same ports. */
#define PLACES (1u << 18)
#define PLACES_SHIFT (64 - 18)
#define MOST_SOCKETS (PLACES / 4 * 3)
#define WAS_FOUND (1ULL << 63)

/* The controller's own. */
static struct {
	uint16_t ports[PASSED_PORTS_MOST];
	int port_count;
	int64_t next, tell_at, begun;
	int searches_without;
	uint32_t count;
} passed;

void passed_begin(void)
{
	passed.port_count = 0;
	passed.next = passed.tell_at = passed.begun = 0;
	passed.searches_without = 0;
	passed.count = 0;
}

uint32_t passed_count(void)
{
	return passed.count;
}

static bool is_known(uint16_t port)
{
	for (int i = 0; i < passed.port_count; i++) {
		if (passed.ports[i] == port)
			return true;
	}
	return false;
}

static void learn_ports(void)
{
	for (int i = 0; i < quiet_listener_count(); i++) {
		const uint16_t port = address_port(quiet_listener_address(i));

		if (port && !is_known(port) && passed.port_count < PASSED_PORTS_MOST)
			passed.ports[passed.port_count++] = port;
	}
}

struct search {
	uint64_t *sockets;
	uint32_t socket_count;
	pid_t pid;      /* the process that is looked at */
	uint32_t held;  /* by it */
	uint32_t found; /* with all that are no members */
	int depth;
	bool tells;
	bool looks_on_the_way;
};

static uint64_t *place_of(const struct search *search, uint64_t socket)
{
	uint32_t i = (uint32_t)(socket * 0x9e3779b97f4a7c15ULL >> PLACES_SHIFT);

	while (search->sockets[i] && (search->sockets[i] & ~WAS_FOUND) != socket)
		i = (i + 1) % PLACES;
	return &search->sockets[i];
}

static void add_socket(uint64_t socket, void *context)
{
	struct search *search = context;
	uint64_t *place;

	if (search->socket_count >= MOST_SOCKETS)
		return;
	place = place_of(search, socket);
	search->socket_count += *place == 0;
	*place = socket;
}

/* "scm_fds": the descriptors that wait in a unix socket (net/unix/af_unix.c, unix_show_fdinfo). */
static bool has_some_on_the_way(pid_t pid, int fd)
{
	char path[64];
	uint64_t count;

	text_format(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	return procfs_read_mask(path, "scm_fds:", &count) == 0 && count > 0;
}

/* Each socket counts once, with the first process that is looked at. So nothing is said to a child that is about
 * to execute a helper: it has what its parent has. */
static void note(struct search *search, uint64_t *place)
{
	if (!*place || *place & WAS_FOUND)
		return;
	*place |= WAS_FOUND;
	search->held++;
}

static bool note_own(int fd, void *context)
{
	const uint64_t socket = socket_identity(fd);

	if (socket)
		note(context, place_of(context, socket));
	return true;
}

static void look_at_fd(int fd, void *context)
{
	struct search *search = context;
	const uint64_t socket = kinship_socket_of(search->pid, fd);
	uint64_t *place;

	if (!socket)
		return;
	place = place_of(search, socket);
	note(search, place);
	if (!*place && search->looks_on_the_way && has_some_on_the_way(search->pid, fd))
		search->found++;
}

static bool is_below(pid_t pid, const void *context)
{
	(void)context;
	return ancestry_descends(pid, generation.pid);
}

static void tell(pid_t pid)
{
	const int32_t stop = atomic_load(&news()->is_stopping) ? PASSED_IS_STOP : 0;

	for (int i = 0; i < passed.port_count; i++)
		(void)wake_signal_say(
			pid, (struct wake_word){BRANCH_DRAIN_PASSED, passed.ports[i] | stop},
			is_below, NULL);
}

/* A candidate's processes are its own, and a branch drains by itself. */
static bool is_of_others(pid_t pid)
{
	const struct successor *successor = atomic_load(&generation.successor);

	return pid == spawn_reaper() || pid == spawn_first()->pid ||
	       (successor && pid == successor->leader.pid) || branches_include(pid);
}

static void look_at(pid_t pid, void *context)
{
	struct search *search = context;

	if (is_of_others(pid))
		return;
	search->pid = pid;
	search->held = 0;
	(void)procfs_each_fd_of(pid, look_at_fd, search);
	if (search->held && !members_include(pid)) {
		search->found += search->held;
		if (search->tells)
			tell(pid);
	}
	if (++search->depth < MOST_GENERATIONS_BELOW)
		(void)procfs_each_child(pid, look_at, search);
	search->depth--;
}

static uint32_t search_all(int64_t now)
{
	const size_t size = PLACES * sizeof(uint64_t);
	const long memory =
		raw_map(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, -1);
	struct search search = {
		.sockets = (uint64_t *)memory,
		.tells = now >= passed.tell_at,
		.looks_on_the_way = now - passed.begun < ON_THEIR_WAY_MS,
	};

	if (raw_map_failed(memory))
		return 0;
	for (int i = 0; i < passed.port_count; i++)
		tcp_connections_each(passed.ports[i], add_socket, &search);
	if (search.socket_count > 0) {
		procfs_each_fd(0, note_own, &search);
		(void)procfs_each_child(generation.pid, look_at, &search);
	}
	raw_unmap(search.sockets, size);
	if (search.tells && search.found > 0)
		passed.tell_at = now + TELL_AGAIN_MS;
	return search.found;
}

static void search_and_rest(int64_t begun, bool others_remain)
{
	int64_t rest;

	passed.count = search_all(begun);
	passed.searches_without =
		others_remain || passed.count > 0 ? 0 : passed.searches_without + 1;
	rest = (clock_now_ms() - begun) * REST_FOR_EACH_MS;
	passed.next = begun + (rest > LEAST_BETWEEN_SEARCHES_MS ? rest : LEAST_BETWEEN_SEARCHES_MS);
}

bool passed_remain(int64_t now, bool others_remain)
{
	if (!members_say(HINT_PASSES) || atomic_load(&sandbox_deadly))
		return others_remain;
	if (!passed.begun) {
		passed.begun = now;
		learn_ports();
	}
	if (others_remain)
		passed.searches_without = 0;
	if (now >= passed.next)
		search_and_rest(now, others_remain);
	return passed.searches_without < SEARCHES_WITHOUT;
}
