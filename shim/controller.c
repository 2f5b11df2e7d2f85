/* SPDX-License-Identifier: MIT */
#include "controller.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/prctl.h>

#include "dispositions.h"
#include "drain.h"
#include "generation.h"
#include "handover.h"
#include "inheritance.h"
#include "interpose.h"
#include "lifecycle.h"
#include "listeners.h"
#include "log.h"
#include "pidfile.h"
#include "procfs.h"
#include "settings.h"
#include "birth.h"
#include "worker.h"
#include "test_step.h"

#define STACK_SIZE (256 * 1024)

/* A new version that leaves an inherited listener unclaimed may just not have come to it yet: that
 * long after its first wait it is taken at its word. */
#define SETTLE_MS 1000

#define NEVER INT64_MAX

/* The first two are for handlers; the rest is the controller thread's own. */
static struct {
	_Atomic uint64_t pending;       /* signals noted, bit N-1 */
	_Atomic uint64_t from_terminal; /* of these: sent by the terminal */
	_Atomic(bell *) bell;           /* what the thread sleeps on: ours, or the successor's */
	_Atomic int state;              /* enum life_state */
	int64_t deadline;
	int64_t settled_at;
	enum request request;            /* what the successor that is being born is for */
	struct generation_page *newborn; /* the successor while it is being born */
	bool has_rejoined;
} controller = {.deadline = NEVER};

void controller_note_signal(int sig, const siginfo_t *info)
{
	bell *word;

	if (info && info->si_code == SI_KERNEL)
		atomic_fetch_or(&controller.from_terminal, 1ULL << (sig - 1));
	atomic_fetch_or(&controller.pending, 1ULL << (sig - 1));
	word = atomic_load(&controller.bell);
	if (word)
		bell_ring(word);
}

void controller_wake(void)
{
	bell *word = atomic_load(&controller.bell);

	if (word)
		bell_ring(word);
}

void controller_forked(void)
{
	atomic_store(&controller.pending, 0);
	atomic_store(&controller.from_terminal, 0);
	atomic_store(&controller.state, LIFE_SERVING);
	controller.deadline = NEVER;
	controller.settled_at = 0;
	controller.newborn = NULL;
	if (generation.page)
		atomic_store(&controller.bell, &generation.page->bell);
}

static void set_deadline(int64_t in_ms)
{
	controller.deadline = bell_now_ms() + in_ms;
}

static void set_phase(enum generation_phase phase)
{
	atomic_store(&generation.page->phase, phase);
	bell_ring(&generation.page->bell);
}

static void start_successor(void)
{
	struct generation_page *page = NULL;

	if (handover_begin(&page) != 0) {
		atomic_store(&controller.state, lifecycle_step(LIFE_STARTING, EVENT_FAILED).next);
		return;
	}
	controller.newborn = page;
	set_phase(PHASE_HANDING_OVER);
	atomic_store(&controller.bell, &page->bell);
	(void)test_step("forked");
	log_info("Forked child (%d).", atomic_load(&spawn_report.pid));
	set_deadline(settings.ready_timeout_ms);
}

static void clear_successor_away(void)
{
	struct generation_page *page = controller.newborn;

	(void)test_step("abandoning");
	handover_finish(page, false);
	atomic_store(&controller.bell, &generation.page->bell);
	controller.newborn = NULL;
	controller.deadline = NEVER;
	set_phase(PHASE_SERVING);
	/* One that was the successor already stays mapped: another thread may be reading it. */
	if (atomic_load(&generation.successor) == page)
		atomic_store(&generation.successor, NULL);
	else
		generation_drop_page(page);
}

/* It serves. An earlier one that serves beside us goes its own way; its page stays mapped, too. */
static void accept_successor(void)
{
	(void)test_step("accepting_successor");
	atomic_store(&generation.successor, controller.newborn);
	atomic_store(&controller.bell, &generation.page->bell);
	controller.deadline = NEVER;
	(void)test_step("accepted_successor");
}

static void release_successor(void)
{
	handover_finish(controller.newborn, true);
	controller.newborn = NULL;
}

static void begin_drain(void)
{
	char until[32];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	log_format_time(until, sizeof(until), now.tv_sec + settings.drain_timeout_ms / 1000, '-');
	log_info("Digesting requests will be timed out at %s", until);
	set_deadline(settings.drain_timeout_ms);
	drain_begin();
}

/* The file names whoever is to get the next signal; it goes with the last generation. */
static void give_up_pidfile(void)
{
	if (generation_predecessor_serves())
		pidfile_hand_back(generation.page->predecessor);
	else if (!generation_successor_lives())
		pidfile_remove();
}

static void leave_generation(void)
{
	struct generation_page *successor = atomic_load(&generation.successor);

	give_up_pidfile();
	set_phase(PHASE_LEFT);
	if (successor) {
		atomic_store(&successor->predecessor_left, 1);
		bell_ring(&successor->bell);
	}
}

static void signal_members(int sig)
{
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		const pid_t pid = atomic_load(&generation.page->members[i].pid);

		if (pid > 0)
			(void)libc_calls.kill(pid, sig);
	}
}

static void leave(void)
{
	controller_on_exit();
	libc_calls._exit(0);
}

/* The server's own stop signal, as if it had just been sent: by the server's handler, sigwait or
 * signalfd. One that would only be killed by it has been drained and exits 0 instead. */
static void stop_server(void)
{
	const int sig = settings.stop_signal;
	const bool has_own_way = dispositions_has_own_way(sig);
	sigset_t all;

	drain_end();
	if (controller.newborn)
		release_successor();
	(void)test_step("drained");
	if (!has_own_way) {
		signal_members(sig);
		leave();
	}
	give_up_pidfile();
	/* Where the server blocks the signal everywhere, this thread must not be who gets it. */
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (int other = 1; other < 65; other++) {
		if (settings.requests[other] == REQUEST_STOP || other == sig)
			dispositions_release(other, leave);
	}
	set_deadline(settings.stop_timeout_ms);
	(void)libc_calls.kill(generation.pid, sig);
}

static void kill_server(void)
{
	log_error("Server (%d) did not stop within %ld ms of its signal \"%s\": killed.",
	          generation.pid, (long)settings.stop_timeout_ms,
	          settings_signal_text(settings.stop_signal));
	leave_generation();
	signal_members(SIGKILL);
	(void)libc_calls.kill(generation.pid, SIGKILL);
}

static void carry_out(enum life_action action, enum life_state state)
{
	switch (action) {
	case ACTION_NONE:
	case ACTION_IMPOSSIBLE:
		break;
	case ACTION_START_SUCCESSOR:
		start_successor();
		break;
	case ACTION_REFUSE:
		log_error("Refused to fork a child: Server (%d) is %s.", generation.pid,
		          lifecycle_state_name(state));
		break;
	case ACTION_STAY_BESIDE:
		accept_successor();
		release_successor();
		set_phase(PHASE_SERVING);
		log_info("Master (%d) is still alive.", generation.pid);
		break;
	case ACTION_ROLL_BACK:
	case ACTION_GIVE_UP_WAITING:
		handover_explain_failure(controller.newborn, action == ACTION_GIVE_UP_WAITING);
		clear_successor_away();
		break;
	case ACTION_TAKE_BACK:
		drain_cancel();
		handover_explain_failure(controller.newborn, false);
		clear_successor_away();
		break;
	case ACTION_CANCEL_AND_LEAVE:
		log_info("Child (%d) was cancelled: the server is to stop.",
		         atomic_load(&spawn_report.pid));
		clear_successor_away();
		set_deadline(settings.lame_duck_ms);
		break;
	case ACTION_BE_LAME_DUCK:
		set_deadline(settings.lame_duck_ms);
		break;
	case ACTION_HAND_OVER:
		accept_successor();
		log_info("Master (%d) was killed.", generation.pid);
		begin_drain();
		break;
	case ACTION_DRAIN:
		begin_drain();
		break;
	case ACTION_STOP_SERVER:
		stop_server();
		break;
	case ACTION_KILL_SERVER:
		kill_server();
		break;
	}
}

static enum life_state present_state(void)
{
	return (enum life_state)atomic_load(&controller.state);
}

static void feed(enum life_event event)
{
	const enum life_state state = present_state();
	const struct life_step step = lifecycle_step(state, event);

	atomic_store(&controller.state, step.next);
	carry_out(step.action, state);
}

/* While this one lives, a Ctrl-C also reaches the successor, which has a group of its own. */
static void pass_on_to_successor(int sig)
{
	struct generation_page *successor = atomic_load(&generation.successor);
	const pid_t leader = successor ? atomic_load(&successor->leader) : 0;

	if (leader > 0 && getpgid(leader) != getpgrp())
		(void)libc_calls.kill(leader, sig);
}

/* A hang-up of the terminal itself asks nobody for an upgrade: a server that does not ignore it would
 * end. It goes to the session's leader and to the foreground group (tty_ioctl(4)): a successor that
 * still has a group of its own gets none, and what the kernel sends it is meant for a stopped process
 * in a group that has just been orphaned (setpgid(2)). */
static enum request request_of(int sig, bool is_from_terminal)
{
	if (sig != SIGHUP || !is_from_terminal || settings.requests[sig] == REQUEST_NONE)
		return settings.requests[sig];
	if (dispositions_is_ignored(sig) ||
	    (generation.page->predecessor && getpgrp() != generation.page->group))
		return REQUEST_NONE;
	return REQUEST_STOP;
}

static void feed_signal(int sig, bool is_from_terminal)
{
	const enum request request = request_of(sig, is_from_terminal);

	log_info("Server (%d) received signal \"%s\"%s.", generation.pid, settings_signal_text(sig),
	         is_from_terminal ? " from the terminal" : "");
	switch (request) {
	case REQUEST_REPLACE:
	case REQUEST_FORK:
		if (present_state() == LIFE_SERVING)
			controller.request =
				settings.kill_master ? REQUEST_REPLACE : settings.requests[sig];
		feed(settings.requests[sig] == REQUEST_REPLACE ? EVENT_REPLACE : EVENT_FORK);
		break;
	case REQUEST_STOP:
		if (is_from_terminal)
			pass_on_to_successor(sig);
		feed(EVENT_STOP);
		break;
	case REQUEST_NONE:
		break;
	}
}

static void feed_signals(void)
{
	const uint64_t pending = atomic_exchange(&controller.pending, 0);
	const uint64_t from_terminal = atomic_fetch_and(&controller.from_terminal, ~pending);

	for (int sig = 1; sig < 65; sig++) {
		if (pending >> (sig - 1) & 1)
			feed_signal(sig, from_terminal >> (sig - 1) & 1);
	}
}

static void announce_readiness(void)
{
	(void)test_step("announcing");
	inheritance_close_rest();
	pidfile_write();
	log_info("The server has started (%d).", generation.pid);
	atomic_store(&generation.page->is_ready, 1);
	bell_ring(&generation.page->bell);
	(void)test_step("announced");
}

/* Returns how long to wait for more, in ms. */
static int64_t check_readiness(int64_t now)
{
	struct generation_page *page = generation.page;

	if (atomic_load(&page->is_ready) || !atomic_load(&page->is_waiting))
		return NEVER;
	if (inheritance_unclaimed() == 0) {
		announce_readiness();
		return NEVER;
	}
	if (!controller.settled_at)
		controller.settled_at = now + SETTLE_MS;
	if (now < controller.settled_at)
		return controller.settled_at - now;
	announce_readiness();
	return NEVER;
}

/* The whole family has ended, or its leader has: workers without a master are no successor. */
static bool newborn_is_dead(void)
{
	const pid_t leader = atomic_load(&controller.newborn->leader);

	return atomic_load(&spawn_report.has_ended) || (leader > 0 && procfs_is_dead(leader));
}

static void check_successor(void)
{
	const enum life_state state = present_state();

	if (state == LIFE_STARTING && newborn_is_dead())
		feed(EVENT_FAILED);
	else if (state == LIFE_STARTING && atomic_load(&controller.newborn->is_ready))
		feed(controller.request == REQUEST_REPLACE ? EVENT_READY_TO_REPLACE
		                                           : EVENT_READY_BESIDE);
	/* Until this one is silent it can still serve on. */
	if (present_state() == LIFE_HANDED_OVER && controller.newborn && newborn_is_dead())
		feed(EVENT_FAILED);
}

static int64_t check_drain(void)
{
	int64_t wait_ms = NEVER;
	bool is_drained;

	if (present_state() != LIFE_HANDED_OVER && present_state() != LIFE_DRAINING)
		return NEVER;
	is_drained = drain_step(&wait_ms);
	if (controller.newborn && drain_is_silent())
		release_successor();
	if (is_drained)
		feed(EVENT_DRAINED);
	return wait_ms;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* One round of the leader. Returns how long it may sleep, in ms (NEVER: until the bell). */
static int64_t lead(void)
{
	int64_t wait_ms;

	feed_signals();
	check_successor();
	if (bell_now_ms() >= controller.deadline) {
		controller.deadline = NEVER;
		feed(EVENT_TIMED_OUT);
	}
	wait_ms = check_drain();
	wait_ms = smaller(wait_ms, check_readiness(bell_now_ms()));
	if (controller.deadline != NEVER)
		wait_ms = smaller(wait_ms, controller.deadline - bell_now_ms());
	return wait_ms < 0 ? 0 : wait_ms;
}

/* The signals are this thread's to take where the server blocks them in all of its own. */
static void unblock_taken_signals(void)
{
	const uint64_t taken = dispositions_taken();
	sigset_t set;

	sigemptyset(&set);
	for (int sig = 1; sig < 65; sig++) {
		if (taken >> (sig - 1) & 1)
			sigaddset(&set, sig);
	}
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void become_leader(void)
{
	int fds[GENERATION_LISTENERS];
	const int count = listeners_find(fds, GENERATION_LISTENERS);

	generation_leave();
	atomic_store(&generation.role, ROLE_LEADER);
	for (int i = 0; i < count; i++)
		listeners_mark_held(fds[i]);
	dispositions_take(controller_note_signal);
	unblock_taken_signals();
	bell_ring(&generation.page->bell);
}

/* While the predecessor might signal its whole group (apache ends its own so) this generation has one
 * of its own. Afterwards it goes back to where it was started, so that a Ctrl-C reaches it like
 * everything else in that terminal. If that group has ended, it stays (setpgid(2): EPERM). */
static void rejoin_group(void)
{
	struct generation_page *page = generation.page;

	if (controller.has_rejoined || !atomic_load(&page->predecessor_left))
		return;
	controller.has_rejoined = true;
	if (page->group > 0 && getpgrp() != page->group && getsid(0) != generation.pid)
		(void)setpgid(0, page->group);
}

static int64_t work(void)
{
	int32_t gone = atomic_load(&generation.page->leader);

	if (atomic_load(&generation.page->phase) == PHASE_SERVING && generation_is_heir() &&
	    atomic_compare_exchange_strong(&generation.page->leader, &gone, generation.pid)) {
		become_leader();
		return 0;
	}
	return worker_step();
}

static void *controller_main(void *unused)
{
	(void)unused;
	(void)prctl(PR_SET_NAME, "octopus", 0, 0, 0);
	if (atomic_load(&generation.role) == ROLE_LEADER)
		unblock_taken_signals();
	for (;;) {
		bell *word = atomic_load(&controller.bell);
		const uint32_t seen = atomic_load(word);
		int64_t wait_ms;

		rejoin_group();
		wait_ms = atomic_load(&generation.role) == ROLE_LEADER ? lead() : work();
		if (wait_ms > 0 && word == atomic_load(&controller.bell) &&
		    !atomic_load(&controller.pending))
			bell_wait(word, seen, wait_ms == NEVER ? -1 : wait_ms);
	}
	return NULL;
}

static int start_thread(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int error;

	atomic_store(&controller.bell, &generation.page->bell);
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* The thread inherits the mask: no signal of the server's is ever handled in it. */
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = -test_step("thread");
	if (!error)
		error = pthread_create(&thread, &attributes, controller_main, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

int controller_start(void)
{
	return start_thread();
}

void controller_attach(void)
{
	int error;

	generation_join(MEMBER_WORKER);
	inheritance_close_rest();
	error = start_thread();
	if (error) {
		log_error("Worker (%d) has no controller (error %d): it cannot stop accepting by "
		          "itself.",
		          generation.pid, -error);
		generation_leave();
	}
}

void controller_on_exit(void)
{
	if (!generation.page || getpid() != generation.pid)
		return;
	if (atomic_load(&generation.role) != ROLE_LEADER) {
		generation_leave();
		return;
	}
	if (present_state() >= LIFE_LAME_DUCK) {
		leave_generation();
		log_info("The server has shut down.");
		return;
	}
	/* It exits of its own accord. A daemon's first process does: then its child leads on. */
	pidfile_remove();
	atomic_store(&generation.page->leader, 0);
	bell_ring(&generation.page->bell);
}
