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
#include "base/secure_mode.h"
#include "base/settings.h"
#include "control/candidate.h"
#include "control/complaints.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "control/fork.h"
#include "control/unseen.h"
#include "generation/generation.h"
#include "generation/children.h"
#include "generation/news.h"
#include "generation/outer.h"
#include "generation/start_image.h"
#include "generation/start_listeners.h"
#include "http/exchange.h"
#include "kernel/address.h"
#include "kernel/listeners.h"
#include "kernel/peek.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"
#include "signal/dispositions.h"
#include "upgrade/inheritance.h"

static _Atomic bool is_prepared, is_prepared_quietly;

/* The process in which a thread is beginning the generation, or 0. A child that another thread
 * forks meanwhile begins its own. */
static _Atomic pid_t beginner;
#define BEGINNING_MS 1000
#define BEGINNING_NS 200000

/* Does once what a first generation and a successor both need. Opens and creates nothing: whoever
 * has inherited the variable comes here, a helper of the new version's, too. */
static void prepare_quietly(void)
{
	if (atomic_exchange(&is_prepared_quietly, true))
		return;
	libc_calls_resolve();
	start_image_complete();
	generation.pid = getpid();
	settings_read(start_image_getenv, start_image.directory, complaints_keep);
	fork_watch();
}

static void report_claims(uint32_t count)
{
	for (; count > 0; count--)
		log_info("Imported a listener from file.");
}

/* Does once what comes before the first log line, and logs what waits for it. */
static void prepare(void)
{
	prepare_quietly();
	if (atomic_exchange(&is_prepared, true))
		return;
	start_image_note_listening();
	log_start();
	complaints_log();
	log_check_target();
	report_claims(candidate_take_claims());
}

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
	prepare_quietly();
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

static bool is_taken(const struct birth *birth)
{
	const pid_t leader = atomic_load(&birth->leader);

	return leader > 0 && leader != generation.pid && !procfs_is_dead(leader);
}

/* A supervising program may start its server again after the first one has ended, in the same
 * birth. */
static void take_over_birth(struct birth *birth)
{
	atomic_store(&birth->is_ready, 0);
	atomic_store(&birth->leader, generation.pid);
	atomic_store(&news_own()->predecessor_holds, atomic_load(&birth->predecessor_holds));
}

static int lead_generation(void)
{
	struct birth *birth;
	int error;

	(void)inheritance_join();
	birth = atomic_load(&generation.birth);
	/* A second server under the same start command gets a generation of its own, and so does a helper
	 * that has asked, and has bound nothing that is inherited. */
	if (birth && (is_taken(birth) || !inheritance_was_given())) {
		generation_leave_birth();
		generation.lineage = (struct lineage){0};
		birth = NULL;
	}
	if (!generation.lineage.predecessor.pid)
		generation.lineage.outer = outer_find();
	if (!generation.lineage.number)
		generation.lineage.number = 1;
	error = children_lead();
	if (error)
		return error;
	failpoint_set_generation(generation.lineage.number);
	if (birth)
		take_over_birth(birth);
	atomic_store(&news_own()->leader, generation.pid);
	return 0;
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

static void begin_generation(void)
{
	int error;

	prepare();
	generation.pid = getpid();
	error = lead_generation();
	if (error) {
		log_error("No shared memory for the generation (%s): running without Octopus.",
		          errno_name(-error));
		return;
	}
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
static void begin_once(void)
{
	const pid_t self = getpid();
	const int64_t end = clock_now_ms() + BEGINNING_MS;

	while (atomic_exchange(&beginner, self) == self) {
		if (clock_now_ms() >= end)
			return;
		(void)clock_sleep(BEGINNING_NS);
	}
	if (atomic_load(&generation.role) == ROLE_NONE)
		begin_generation();
	atomic_store(&beginner, 0);
}

bool activation_is_awaited(void)
{
	return atomic_load(&generation.role) != ROLE_WORKER && !sandbox_is_tight() &&
	       !secure_mode_is_on();
}

void activation_on_claim(void)
{
	if (atomic_load(&is_prepared))
		report_claims(1);
	else
		candidate_note_claim();
}

void activation_on_exit(void)
{
	if (!atomic_load(&is_prepared) && candidate_was_refused())
		prepare();
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
	prepare();
	address_format(text, sizeof(text), (const void *)&address, length);
	log_error(
		"Server (%d) serves %s, but its listen() did not go through liboctopus.so: it cannot be upgraded, and its signals are left to it.",
		getpid(), text);
}

/* A child has no command line of its own with which to start a successor. */
void activation_on_unseen(int fd)
{
	bool is_adopted;

	if (atomic_load(&is_told) || candidate_is_another_servers(fd))
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

	if (!activation_is_awaited() || candidate_is_another_servers(fd))
		return;
	atomic_fetch_and(&first_wait_missing, ~MISSING_LISTEN);
	atomic_store(&is_told, true);
	if (atomic_load(&generation.role) == ROLE_NONE)
		begin_once();
	if (atomic_load(&generation.role) == ROLE_LEADER) {
		for (int count = candidate_claim_start_listeners(); count > 0; count--)
			activation_on_claim();
		listeners_mark_held(fd);
		exchange_begin(listeners_is_unix(fd));
		if (is_new) /* an inherited one listened before, and bind() has reported it */
			report_listener(fd);
	}
	errno = saved;
}
