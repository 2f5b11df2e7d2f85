/* SPDX-License-Identifier: MIT */
/* Over 300 lines: one candidate, from its start to each of its ends. */
#include "control/successor.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/settings.h"
#include "control/leader_state.h"
#include "control/sharing.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "generation/news.h"
#include "generation/pidfile.h"
#include "kernel/listeners.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "upgrade/failure.h"
#include "upgrade/family.h"
#include "upgrade/handover.h"
#include "upgrade/spawn.h"

/* A cancelled candidate that has not ended by then has stopped accepting long ago. */
#define CANCEL_MS 1000

/* How long the workers of a master that was killed may take to lead on. */
#define HEIR_MS 200

/* The controller thread's own. */
static struct {
	enum request request;
	bell *bell; /* the candidate's until it is accepted; NULL: this generation's */
	struct birth *candidate;
	struct process leader; /* the candidate's, as the kernel has confirmed; pid 0: none yet */
	int64_t cancelled_at;  /* when it was told to stop; 0: it was not */
	int64_t lost_at;       /* when it was seen that an accepted one's has ended; 0: not yet */
	struct successor *retired; /* one that failed, or that a later one has replaced */
} succession;

/* A signal handler or another thread may still read it, so it stays until the next one retires. */
static void retire(struct successor *successor)
{
	if (succession.retired) {
		birth_retire(succession.retired->birth);
		(void)munmap(succession.retired, sizeof(*successor));
	}
	succession.retired = successor;
}

int successor_start(enum request request)
{
	struct birth *birth = NULL;
	int error;

	if (failure_in_sandbox())
		return -EPERM;
	if (failure_of_place())
		return -EACCES;
	pidfile_remember();
	sharing_begin();
	error = handover_begin(&birth);
	if (error) {
		sharing_end();
		return error;
	}
	succession.request = request;
	succession.candidate = birth;
	succession.leader = (struct process){0};
	succession.lost_at = succession.cancelled_at = 0;
	leader_state_set_phase(PHASE_HANDING_OVER);
	succession.bell = &birth->bell;
	(void)failpoint("forked");
	log_info("Forked child (%d).", atomic_load(&spawn_report.pid));
	failure_warn_of_user();
	return 0;
}

enum request successor_request(void)
{
	return succession.request;
}

bool successor_is_candidate(void)
{
	return succession.candidate;
}

/* A worker that leads on after its master's death has let go of the words, but marks the listeners. */
static pid_t holder_of_listeners(void)
{
	int fd = -1;

	return listeners_find(&fd, 1) > 0 ? listeners_holder(fd) : 0;
}

/* What the words say of the leader counts once the kernel has confirmed it. A leader that lives is
 * not replaced by their saying so; one that has ended unconfirmed has ended. */
static void look_for_leader(void)
{
	const struct birth *birth = succession.candidate;
	pid_t pid =
		atomic_load(atomic_load(&birth->is_ready) ? &birth->announced_by : &birth->leader);
	struct process leader;

	/* The first process of a daemon passes the lead on when it exits; whoever is left may take it. */
	if (pid == 0 && process_has_ended(&succession.leader))
		succession.leader = (struct process){0};
	if (pid <= 0 || (succession.leader.pid && !process_has_ended(&succession.leader)))
		return;
	if (pid == succession.leader.pid)
		pid = holder_of_listeners();
	leader = family_confirm(pid);
	if (leader.pid)
		succession.leader = leader;
	else if (pid > 0 && procfs_is_dead(pid))
		succession.leader = (struct process){.pid = pid};
}

static bool leader_lives(void)
{
	return succession.leader.pid && !process_has_ended(&succession.leader);
}

bool successor_is_ready(void)
{
	if (!atomic_load(&succession.candidate->is_ready))
		return false;
	look_for_leader();
	return leader_lives();
}

static struct successor *accepted_candidate(void)
{
	struct successor *successor = atomic_load(&generation.successor);

	return successor && successor->birth == succession.candidate ? successor : NULL;
}

/* Workers that were left by a master serve, and one of them is about to lead on. */
static bool may_have_heir(void)
{
	if (atomic_load(&spawn_report.has_ended) || !accepted_candidate())
		return false;
	if (!succession.lost_at) {
		succession.lost_at = clock_now_ms();
		family_wake_orphans();
	}
	return clock_now_ms() - succession.lost_at < HEIR_MS;
}

bool successor_is_in_doubt(void)
{
	return accepted_candidate() && succession.leader.pid &&
	       process_has_ended(&succession.leader);
}

bool successor_is_unwatched(void)
{
	return succession.candidate && spawn_look();
}

/* The leader of a sibling may be a daemon that has outlived the first process. It counts if the kernel
 * confirmed it while that lived; any other learns that it was given up. */
bool successor_is_dead(void)
{
	bool has_ended, has_leader;

	look_for_leader();
	has_leader = leader_lives();
	/* It passes the lead on before it ends, and has perhaps done both since that look. */
	if (!has_leader) {
		look_for_leader();
		has_leader = leader_lives();
	}
	(void)spawn_look();
	has_ended = atomic_load(&spawn_report.has_ended);
	if (has_ended)
		return !(has_leader && atomic_load(&spawn_report.is_sibling));
	return succession.leader.pid && !has_leader && !may_have_heir();
}

void successor_explain_failure(bool has_timed_out)
{
	failure_explain_end(succession.candidate, handover_manifest(), succession.leader.pid,
	                    has_timed_out);
}

static void end_candidate(void)
{
	struct successor *accepted = accepted_candidate();

	(void)failpoint("abandoning");
	handover_finish(false);
	pidfile_restore();
	/* A sibling's may have outlived its first process. */
	if (succession.leader.pid)
		(void)process_signal(&succession.leader, SIGKILL);
	atomic_store(&succession.candidate->is_given_up, 1);
	bell_ring(&succession.candidate->bell);
	if (accepted) {
		atomic_store(&generation.successor, NULL);
		retire(accepted);
	} else {
		birth_retire(succession.candidate);
	}
	succession.candidate = NULL;
	succession.cancelled_at = 0;
	sharing_end();
}

void successor_clear_away(void)
{
	end_candidate();
	succession.bell = NULL;
	leader_state_set_phase(PHASE_SERVING);
}

/* One that does not listen yet has accepted nothing. */
void successor_cancel(void)
{
	look_for_leader();
	if (!succession.leader.pid ||
	    process_signal(&succession.leader, settings_stop_request()) != 0) {
		successor_clear_away();
		return;
	}
	handover_stop_giving();
	succession.cancelled_at = clock_now_ms();
	succession.bell = NULL;
	leader_state_set_phase(PHASE_SERVING);
}

/* The leader ends last of those who owe anything. */
bool successor_is_leaving(void)
{
	return succession.cancelled_at && !process_has_ended(&succession.leader);
}

bool successor_may_still_accept(void)
{
	return successor_is_leaving() && clock_now_ms() - succession.cancelled_at < CANCEL_MS;
}

static void copy_listeners(struct successor *successor)
{
	const struct manifest *manifest = handover_manifest();

	successor->listener_count = manifest->listener_count;
	for (uint32_t i = 0; i < manifest->listener_count; i++) {
		const struct inherited_listener *listener = &manifest->listeners[i];

		successor->listeners[i].is_claimed =
			atomic_load(&successor->birth->claimed_by[i]) > 0;
		successor->listeners[i].identity = listener->identity;
		successor->listeners[i].file = listener->file;
		successor->listeners[i].family = (sa_family_t)listener->family;
		successor->listeners[i].length = listener->address_length;
		successor->listeners[i].address = listener->address;
	}
}

/* Without memory for it, this generation would not know what the other serves: it lives on only as
 * the marks on the listeners (listeners.h). */
void successor_accept(void)
{
	struct successor *successor = mmap(NULL, sizeof(*successor), PROT_READ | PROT_WRITE,
	                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)failpoint("accepting_successor");
	if (successor != MAP_FAILED) {
		successor->birth = succession.candidate;
		successor->leader = succession.leader;
		atomic_store(&successor->may_have_heir, true);
		copy_listeners(successor);
		retire(atomic_exchange(&generation.successor, successor));
	}
	handover_stop_giving();
	atomic_store(&succession.candidate->is_accepted, 1);
	succession.bell = NULL;
	(void)failpoint("accepted_successor");
}

void successor_release(void)
{
	struct successor *accepted = accepted_candidate();

	if (!succession.candidate)
		return;
	if (succession.cancelled_at) {
		end_candidate();
		return;
	}
	look_for_leader();
	if (accepted) {
		if (succession.leader.pid != accepted->leader.pid)
			accepted->leader = succession.leader;
		atomic_store(&accepted->may_have_heir, false);
	}
	handover_finish(true);
	succession.candidate = NULL;
}

void successor_pass_on(int sig)
{
	const struct successor *successor = atomic_load(&generation.successor);

	if (successor && getpgid(successor->leader.pid) != getpgrp())
		(void)process_signal(&successor->leader, sig);
}

bell *successor_bell(void)
{
	return succession.bell;
}

void successor_forked(void)
{
	handover_forked();
	birth_forked();
	succession.bell = NULL;
	succession.candidate = NULL;
	succession.cancelled_at = 0;
	succession.retired = NULL;
}
