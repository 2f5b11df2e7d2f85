/* SPDX-License-Identifier: MIT */
#include "control/takeover.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/errno_names.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/test_step.h"
#include "control/controller.h"
#include "control/waiting.h"
#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "generation/start_image.h"
#include "http/traffic.h"
#include "kernel/address.h"
#include "kernel/listeners.h"
#include "kernel/peek.h"
#include "kernel/procfs.h"
#include "signal/dispositions.h"
#include "upgrade/inheritance.h"

/* Since the last fork of this thread. */
static __thread bool thread_has_accepted;

/* The slot of the child that this thread is forking. */
static __thread struct member *reserved_slot;

static _Atomic bool is_prepared;

/* The process one of whose threads is beginning its generation, or 0: a child that another thread forked
 * meanwhile has its own beginning. */
static _Atomic pid_t beginner;
#define BEGINNING_MS 1000

void takeover_note_accept(void)
{
	thread_has_accepted = true;
}

void takeover_before_fork(void)
{
	if (thread_has_accepted && atomic_load(&generation.role) != ROLE_NONE)
		reserved_slot = members_reserve_slot();
}

void takeover_after_fork(pid_t child)
{
	if (child < 0 && reserved_slot)
		members_free_slot(reserved_slot);
	reserved_slot = NULL;
}

static void in_parent(void)
{
	thread_has_accepted = false;
}

static void in_child(void)
{
	const bool is_for_connection = thread_has_accepted;
	const bool had_listened = atomic_load(&generation.role) != ROLE_NONE;

	thread_has_accepted = false;
	peek_forked();
	generation_forked();
	controller_forked();
	stop_accepting_forked();
	waiting_forked();
	if (!had_listened)
		return; /* a successor that makes itself a daemon before it listens */
	dispositions_give_back(true);
	atomic_fetch_or(&waiting_for, WAITING_UNATTACHED);
	atomic_store(&generation.membership, reserved_slot);
	reserved_slot = NULL;
	if (is_for_connection)
		members_join(MEMBER_CONNECTION);
}

/* What both kinds of first generation and successor need once. */
static void prepare(void)
{
	if (atomic_exchange(&is_prepared, true))
		return;
	libc_calls_resolve();
	start_image_complete();
	generation.pid = getpid();
	log_start();
	settings_read(start_image_getenv, start_image.directory, log_error);
	log_check_target();
	(void)pthread_atfork(NULL, in_parent, in_child);
}

void takeover_as_successor(const char *value)
{
	bool was_passed_on;
	uint64_t mask;

	prepare();
	inheritance_receive(value, &was_passed_on);
	if (!generation.page)
		return;
	(void)test_step("received");
	dispositions_take(controller_note_signal);
	/* The predecessor blocked our signals across the execve, so that none could come before
	 * the handlers. What a program between starts has the mask that this one gave it. */
	atomic_store(&generation.page->is_attached, 1);
	if (was_passed_on)
		return;
	mask = generation.page->blocked;
	start_image.blocked = mask;
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

static bool page_is_taken(void)
{
	const pid_t leader = generation.page ? atomic_load(&generation.page->leader) : 0;

	return leader > 0 && leader != generation.pid && !procfs_is_dead(leader);
}

static int find_page(void)
{
	struct generation_page *page;
	int page_fd, error;

	/* A second server under one start command gets a generation of its own. */
	if (generation.page && !page_is_taken())
		return 0;
	error = page_make(&page, &page_fd);
	if (error)
		return error;
	if (page_fd >= 0)
		libc_calls.close(page_fd);
	page->number = 1;
	generation.page = page;
	test_step_set_generation(page->number);
	return 0;
}

/* A wrapper that starts its server anew, after the first one ended, gives it the same page. */
static void clear_page(void)
{
	struct generation_page *page = generation.page;

	atomic_store(&page->phase, PHASE_SERVING);
	atomic_store(&page->is_waiting, 0);
	atomic_store(&page->is_ready, 0);
	atomic_store(&page->is_moving, 0);
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		if (atomic_load(&page->members[i].pid))
			atomic_store(&page->members[i].pid, 0);
	}
}

/* A successor that could not be conducted must not begin to serve: its predecessor does so still. */
static void run_without_controller(int error)
{
	if (generation.page && atomic_load(&generation.page->predecessor_holds)) {
		log_error("No thread for the controller (%s): this new version cannot take over.",
		          errno_name(-error));
		libc_calls._exit(1);
	}
	log_error("No thread for the controller (%s): running without Octopus.",
	          errno_name(-error));
}

static void begin_generation(void)
{
	int error;

	prepare();
	generation.pid = getpid();
	error = find_page();
	if (error) {
		log_error("No shared memory for the generation (%s): running without Octopus.",
		          errno_name(-error));
		return;
	}
	clear_page();
	atomic_store(&generation.page->leader, generation.pid);
	atomic_store(&generation.role, ROLE_LEADER);
	dispositions_take(controller_note_signal);
	atomic_fetch_or(&waiting_for, WAITING_GENERATION_UNSEEN);
	(void)test_step("listening");
	error = controller_start();
	if (error) {
		atomic_store(&waiting_for, 0);
		dispositions_give_back(false);
		atomic_store(&generation.role, ROLE_NONE);
		run_without_controller(error);
	}
}

static void report_listener(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	char text[160];

	if (libc_calls.getsockname(fd, (void *)&address, &length) != 0)
		return;
	address_format(text, sizeof(text), (const void *)&address, length);
	if (generation.page->predecessor && !atomic_load(&generation.page->is_ready))
		log_info(
			"Unable to import a listener from file: unable to find listener on %s. Trying to create a new one.",
			text);
	log_info("Created a new listener on %s.", text);
}

/* Threads may listen at the same moment, each on a socket of its own: one of them begins, the others
 * go on when that is done. It is done soon; but a handler that listens may have interrupted it. */
static void begin_once(void)
{
	const pid_t self = getpid();
	const int64_t end = clock_now_ms() + BEGINNING_MS;

	while (atomic_exchange(&beginner, self) == self) {
		const struct timespec moment = {0, 200000};

		if (clock_now_ms() >= end)
			return;
		(void)libc_calls.nanosleep(&moment, NULL);
	}
	if (atomic_load(&generation.role) == ROLE_NONE)
		begin_generation();
	atomic_store(&beginner, 0);
}

void takeover_on_listen(int fd, bool is_new)
{
	const int saved = errno;

	if (atomic_load(&generation.role) == ROLE_NONE)
		begin_once();
	if (atomic_load(&generation.role) == ROLE_LEADER) {
		listeners_mark_held(fd);
		traffic_begin(listeners_is_unix(fd));
		if (is_new) /* an inherited one listened all along, and was reported by bind */
			report_listener(fd);
	}
	errno = saved;
}
