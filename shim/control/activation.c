/* SPDX-License-Identifier: MIT */
#include "control/activation.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/errno_names.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/own_fd.h"
#include "base/secure_mode.h"
#include "base/settings.h"
#include "control/candidate.h"
#include "control/complaints.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "control/fork.h"
#include "control/leading.h"
#include "control/master.h"
#include "control/preparation.h"
#include "control/unseen.h"
#include "generation/generation.h"
#include "generation/children.h"
#include "generation/news.h"
#include "generation/outer.h"
#include "generation/start_image.h"
#include "generation/start_listeners.h"
#include "http/exchange.h"
#include "kernel/address.h"
#include "kernel/light_thread.h"
#include "kernel/listeners.h"
#include "kernel/peek.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"
#include "signal/dispositions.h"
#include "upgrade/inheritance.h"

/* The process in which a thread is beginning the generation, or 0. A child that another thread
 * forks meanwhile begins its own. */
static _Atomic pid_t beginner;
#define BEGINNING_MS 1000
#define BEGINNING_NS 200000

void activation_as_successor(const char *value)
{
	struct birth *birth;
	bool was_passed_on;
	uint64_t mask;

	candidate_begin();
	inheritance_receive(value, &was_passed_on, complaints_keep);
	birth = atomic_load(&generation.birth);
	if (!birth) {
		candidate_note_refusal();
		return;
	}
	preparation_make_quietly();
	(void)failpoint("received");
	dispositions_take(controller_note_signal);
	/* The predecessor blocked the signals that Octopus takes across the execve, so that none
	 * arrives before the handlers are in place. If another program has passed the hand-over on,
	 * the mask is that program's. */
	atomic_store(&birth->is_attached, 1);
	if (was_passed_on)
		return;
	mask = generation.lineage.blocked;
	start_image.blocked = mask;
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

/* A successor without a controller must not begin to serve, because its predecessor still does. */
static void run_without_controller(int error)
{
	if (generation_predecessor_serves()) {
		log_error("No thread for the controller (%s): this new version cannot take over.",
		          errno_name(-error));
		libc_calls._exit(1);
	}
	log_error("No thread for the controller (%s): running without Octopus.",
	          errno_name(-error));
}

static void begin_prepared(void)
{
	int error;

	generation.pid = getpid();
	error = leading_begin();
	if (error) {
		log_error("No shared memory for the generation (%s): running without Octopus.",
		          errno_name(-error));
		return;
	}
	if (!generation.is_branch)
		log_info("Running under liboctopus.so %s.", OCTOPUS_VERSION);
	atomic_store(&generation.role, ROLE_LEADER);
	dispositions_take(controller_note_signal);
	atomic_fetch_or(&first_wait_missing, MISSING_FIRST_WAIT);
	(void)failpoint("listening");
	error = controller_start();
	if (error) {
		atomic_store(&first_wait_missing, 0);
		dispositions_give_back(false);
		atomic_store(&generation.role, ROLE_NONE);
		run_without_controller(error);
	}
}

/* MASTER is to lead, or 0. IS_ANOTHERS: if it does not, this process is no server. */
static void begin_generation(pid_t master, bool is_anothers)
{
	if (master)
		candidate_leave_masters_claims();
	else
		leading_take_kept();
	preparation_make();
	generation.pid = getpid();
	if ((master && master_summon(master)) || !is_anothers)
		begin_prepared();
}

static void report_listener(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	char text[160];

	if (libc_calls.getsockname(fd, (void *)&address, &length) != 0)
		return;
	address_format(text, sizeof(text), (const void *)&address, length);
	if (generation_is_being_born())
		log_info(
			"Unable to import a listener from file: unable to find listener on %s. Trying to create a new one.",
			text);
	log_info("Created a new listener on %s.", text);
}

/* Several threads may listen at the same moment, each on its own socket. One of them begins the
 * generation, and the others wait for it. The wait has a limit: a signal handler that listens may
 * have interrupted the thread that begins. */
static bool begins_alone(void)
{
	const pid_t self = getpid();
	const int64_t end = clock_now_ms() + BEGINNING_MS;

	while (atomic_exchange(&beginner, self) == self) {
		if (clock_now_ms() >= end)
			return false;
		(void)clock_sleep(BEGINNING_NS);
	}
	return true;
}

/* FD is the listener. Returns false if it is another server's. */
static bool begin_once(int fd)
{
	const pid_t master = master_find(fd);
	const bool is_anothers = candidate_is_another_servers(fd);

	if (!master && is_anothers)
		return false;
	if (!begins_alone())
		return true;
	if (atomic_load(&generation.role) == ROLE_NONE)
		begin_generation(master, is_anothers);
	atomic_store(&beginner, 0);
	return !is_anothers || generation.is_branch;
}

static bool has_no_news(void)
{
	return false;
}

/* No fork copies what is half done. */
void activation_as_master(void)
{
	own_fd_begin();
	if (begins_alone()) {
		if (atomic_load(&generation.role) == ROLE_NONE) {
			preparation_make_in_thread(master_utc_offset());
			generation.is_master = true;
			begin_prepared();
		}
		atomic_store(&beginner, 0);
	}
	own_fd_end();
	if (atomic_load(&generation.role) == ROLE_LEADER)
		controller_run();
	else
		(void)light_thread_may_end(has_no_news);
}

bool activation_is_awaited(void)
{
	return atomic_load(&generation.role) != ROLE_WORKER && !sandbox_is_tight() &&
	       !secure_mode_is_on();
}

void activation_on_claim(void)
{
	candidate_note_claim();
	if (preparation_is_made())
		preparation_report_claims();
}

void activation_on_exit(void)
{
	if (!preparation_is_made() && candidate_was_refused())
		preparation_make();
}

/* True once a listen() was seen, or the log says that there was none. */
static _Atomic bool is_told;

static void tell(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	char text[160];

	if (atomic_exchange(&is_told, true) ||
	    libc_calls.getsockname(fd, (void *)&address, &length) != 0)
		return;
	preparation_make();
	address_format(text, sizeof(text), (const void *)&address, length);
	log_error(
		"Server (%d) serves %s, but its listen() did not go through liboctopus.so: it cannot be upgraded, and its signals are left to it.",
		getpid(), text);
}

/* A child has no command line of its own with which to start a successor. */
void activation_on_unseen(int fd)
{
	bool is_adopted;

	if (atomic_load(&is_told))
		return;
	if (start_listeners_has(fd))
		activation_on_listen(fd, false);
	else if (unseen_is_own(fd, &is_adopted))
		activation_on_listen(fd, !is_adopted);
	else
		tell(fd);
}

void activation_on_listen(int fd, bool is_new)
{
	const int saved = errno;

	if (!activation_is_awaited())
		return;
	if (atomic_load(&generation.role) == ROLE_NONE && !begin_once(fd))
		return;
	atomic_fetch_and(&first_wait_missing, ~MISSING_LISTEN);
	atomic_store(&is_told, true);
	if (atomic_load(&generation.role) == ROLE_LEADER) {
		/* Whoever accepts on what it listens on itself is its worker. */
		if (generation.is_master)
			generation.is_master = false;
		for (int count = generation.is_branch ? 0 : candidate_claim_start_listeners();
		     count > 0; count--)
			activation_on_claim();
		listeners_mark_held(fd);
		exchange_begin(listeners_is_unix(fd));
		if (is_new) /* an inherited one listened before, and bind() has reported it */
			report_listener(fd);
	}
	errno = saved;
}
