/* SPDX-License-Identifier: MIT */
/* What several threads of a process do at once to what the library keeps: the bell, places for hints, a
 * worker that leaves while its controller reports, inherited listeners that are claimed in each of a
 * server's threads. `make tsan` runs it where each race is seen; by itself it finds what comes of them.
 * Links: upgrade/adoption.c generation/generation.c generation/start_listeners.c generation/start_fds.c generation/parent.c generation/members.c generation/children.c generation/membership.c generation/hints.c generation/news.c generation/doorbell.c generation/birth.c generation/sealed.c generation/paths.c generation/pidfile.c base/trusted_path.c base/errno_names.c upgrade/inheritance.c upgrade/waiting.c upgrade/received.c upgrade/ask.c kernel/trusted_peer.c kernel/passed_fds.c kernel/ancestry.c upgrade/inherited.c upgrade/variable.c kernel/process.c kernel/ancestry.c kernel/procfs_children.c kernel/address.c kernel/listeners.c kernel/peek.c kernel/procfs.c kernel/socket_identity.c kernel/socket_options.c base/text.c control/worker.c base/clock.c base/vdso.c base/own_fd.c
 */
#include "base/bell.h"
#include "base/clock.h"
#include "drain/connections.h"
#include "drain/drain.h"
#include "expect.h"
#include "generation/generation.h"
#include "generation/children.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "upgrade/adoption.h"
#include "upgrade/inheritance.h"
#include "upgrade/waiting.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/settings.h"
#include "drain/stop_accepting.h"
#include "kernel/sandbox.h"
#include "control/worker.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, TURNS = 2000, CLAIM_ROUNDS = 30 };

struct libc_calls libc_calls = {
	.close = close, .dup3 = dup3, .getsockname = getsockname, .kill = kill, .read = read};
struct settings settings;

void log_error(const char *format, ...)
{
	printf("log_error: %s\n", format);
	expect_misses++;
}

/* Stands in for the module: there is no sandbox. */
_Atomic uint32_t sandbox_deadly;

const char *sandbox_deadly_for_controller(uint32_t purposes)
{
	(void)purposes;
	return NULL;
}

int stop_accepting_begin(const int *kept, int count)
{
	(void)kept, (void)count;
	return 0;
}

bool connections_remain(void)
{
	return true;
}

void drain_scan(struct drain_view *view)
{
	view->scan = (struct connections_scan){.left = 1, .peer_count = 1};
}

static void run_at_once(void *(*const mains[])(void *), int count)
{
	pthread_t threads[16];

	for (intptr_t i = 0; i < count; i++) {
		if (pthread_create(&threads[i], NULL, mains[i], (void *)i) != 0)
			abort();
	}
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

/* --- what was written before a bell was rung is there for whoever has heard it */

static bell there, back;
static int message;

static void wait_for_change(bell *word, uint32_t seen)
{
	while (atomic_load(word) == seen)
		bell_wait(word, seen, -1);
}

static void *speak(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < TURNS; i++) {
		message = (int)i;
		bell_ring(&there);
		wait_for_change(&back, i);
	}
	return NULL;
}

static void *hear(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < TURNS; i++) {
		wait_for_change(&there, i);
		if (message != (int)i)
			expect_number("message", message, (int)i);
		bell_ring(&back);
	}
	return NULL;
}

/* --- a place belongs to one at a time */

static struct hints *family;
static int holders[HINTS_SIZE / 8];
static _Atomic int shared_places;

static void *take_and_free(void *unused)
{
	(void)unused;
	for (int i = 0; i < TURNS; i++) {
		const int place = hints_reserve(family);
		int *holder;

		if (place < 0)
			continue;
		holder = &holders[place];
		if (++*holder != 1)
			atomic_fetch_add(&shared_places, 1);
		--*holder;
		hints_leave(family, place);
	}
	return NULL;
}

/* --- a worker leaves, by exit() in any thread or because it leads on, while its controller reports */

static _Atomic bool is_over;

static void *join_and_leave(void *unused)
{
	(void)unused;
	for (int i = 0; i < 20 * TURNS; i++) {
		membership_join(MEMBER_WORKER);
		membership_leave(false);
	}
	atomic_store(&is_over, true);
	return NULL;
}

static void *report(void *unused)
{
	(void)unused;
	while (!atomic_load(&is_over))
		(void)worker_step(INT64_MAX);
	return NULL;
}

/* --- listeners of one address, one for each thread, and one close() each */

static pthread_barrier_t all_have_sockets;
static struct sockaddr_in group_address;
static ino_t claimed[THREADS];
static _Atomic int others_closed;

static int make_socket(void)
{
	const int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
		abort();
	return fd;
}

static ino_t inode_of(int fd)
{
	struct stat what;

	return fstat(fd, &what) == 0 ? what.st_ino : 0;
}

static void *claim_one(void *number)
{
	const int fd = make_socket();

	pthread_barrier_wait(&all_have_sockets);
	if (adoption_adopt(fd, (const void *)&group_address, sizeof(group_address)) != 0)
		expect_number("adopted", 0, 1);
	claimed[(intptr_t)number] = inode_of(fd);
	/* Numbers that have just become free are used anew at once, as a server does. */
	for (int i = 0; i < 16; i++) {
		const int own = open("/dev/null", O_RDONLY | O_CLOEXEC);

		(void)waiting_owns(own);
		if (close(own) != 0)
			atomic_fetch_add(&others_closed, 1);
	}
	close(fd);
	return NULL;
}

static void *close_rest(void *unused)
{
	const int64_t end = clock_now_ms() + 5000;

	(void)unused;
	pthread_barrier_wait(&all_have_sockets);
	while (inheritance_unclaimed() > 0 && clock_now_ms() < end)
		(void)waiting_next(0);
	inheritance_close_rest();
	return NULL;
}

static int describe_listener(struct inherited_listener *listener, ino_t *ret_inode)
{
	const int fd = make_socket();
	socklen_t length = sizeof(group_address);

	if (bind(fd, (void *)&group_address, sizeof(group_address)) != 0 || listen(fd, 1) != 0 ||
	    getsockname(fd, (void *)&group_address, &length) != 0)
		abort();
	listener->family = AF_INET;
	listener->type = SOCK_STREAM;
	listener->address_length = length;
	memcpy(&listener->address, &group_address, length);
	*ret_inode = inode_of(fd);
	return fd;
}

static void listeners_are_claimed_once(void)
{
	void *(*const mains[])(void *) = {claim_one, claim_one, claim_one, claim_one, close_rest};
	static struct manifest manifest;
	struct birth *birth;
	ino_t given[THREADS];
	bool was_passed_on;
	char value[16];
	int fd;

	group_address = (struct sockaddr_in){.sin_family = AF_INET,
	                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (birth_make(&birth, &fd) != 0)
		abort();
	for (int i = 0; i < THREADS; i++)
		atomic_store(&birth->fds[i], describe_listener(&manifest.listeners[i], &given[i]));
	manifest.listener_count = THREADS;
	atomic_store(&birth->fds[BIRTH_MANIFEST], manifest_seal(&manifest));
	snprintf(value, sizeof(value), "%d", fd);
	inheritance_receive(value, &was_passed_on, log_error);
	run_at_once(mains, THREADS + 1);
	for (int i = 0; i < THREADS; i++) {
		int times = 0;

		for (int j = 0; j < THREADS; j++)
			times += claimed[j] == given[i];
		expect_number("threads that got this listener", times, 1);
	}
	expect_number("still waiting", atomic_load(&waiting_count), 0);
	generation_leave_birth();
	birth_drop(birth);
}

/* Only a child of the leader has a page on which it reports. */
static void in_a_worker(void)
{
	void *(*const worker[])(void *) = {join_and_leave, report};
	int status = -1;
	pid_t child;

	children_fork_begins(false);
	child = fork();
	if (child == 0) {
		generation.pid = getpid();
		children_forked_in_child();
		run_at_once(worker, 2);
		_exit(expect_status());
	}
	children_forked_in_parent();
	children_fork_ended(child);
	waitpid(child, &status, 0);
	expect_number("status of the worker", status, 0);
}

int main(void)
{
	void *(*const talk[])(void *) = {speak, hear};
	void *(*const crowd[])(void *) = {take_and_free, take_and_free, take_and_free,
	                                  take_and_free};

	generation.pid = getpid();
	atomic_store(&generation.role, ROLE_LEADER);
	family = mmap(NULL, HINTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (children_lead() != 0 || family == MAP_FAILED)
		return 1;
	atomic_store(&news_own()->leader, getppid());
	atomic_store(&news_own()->phase, PHASE_NOT_ACCEPTING);
	run_at_once(talk, 2);
	run_at_once(crowd, THREADS);
	expect_number("places that two held", atomic_load(&shared_places), 0);
	in_a_worker();
	pthread_barrier_init(&all_have_sockets, NULL, THREADS + 1);
	for (int i = 0; i < CLAIM_ROUNDS; i++)
		listeners_are_claimed_once();
	expect_number("descriptors that somebody else closed", atomic_load(&others_closed), 0);
	return expect_status();
}
