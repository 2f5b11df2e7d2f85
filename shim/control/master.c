/* SPDX-License-Identifier: MIT */
#include "control/master.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/controller.h"
#include "control/fork.h"
#include "control/holder.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "generation/outer.h"
#include "generation/start_fds.h"
#include "kernel/ancestry.h"
#include "kernel/kinship.h"
#include "kernel/light_thread.h"
#include "kernel/process.h"
#include "kernel/sandbox.h"
#include "kernel/socket_identity.h"
#include "kernel/socket_options.h"
#include "signal/branch.h"
#include "signal/branches.h"
#include "upgrade/broker_messages.h"
#include "upgrade/inheritance.h"

#define SUMMON_MS 1000
#define SUMMON_LOOK_NS NS_PER_MS

static struct {
	void (*lead)(void);
	_Atomic pid_t summoned; /* which process was */
	_Atomic long utc_offset;
} master;

/* --- In the worker --- */

static bool is_reaper(pid_t pid)
{
	char name[32];

	return process_read_name(pid, name, sizeof(name)) == 0 &&
	       strncmp(name, BROKER_PREFIX, strlen(BROKER_PREFIX)) == 0;
}

struct search {
	struct process_stat self;
	uint64_t socket;   /* 0: no ancestor can have bound it */
	bool is_kin;       /* all ancestors so far are forks of one execution, as this process is */
	bool may_be_apart; /* each of them may have a socket of its own on the address */
};

static bool is_of_server(struct search *search, pid_t pid, const struct process_stat *stat)
{
	search->is_kin = search->is_kin && kinship_of_images(&search->self, stat);
	if (search->is_kin && search->may_be_apart)
		return true;
	return kinship_by_socket(pid, search->socket);
}

static pid_t find_above(struct search *search)
{
	struct process_stat stat;
	pid_t pid = search->self.parent, found = 0;

	for (int i = 0; i < ANCESTORS && pid > 1 && process_read_stat(pid, &stat) == 0; i++) {
		if (pid == generation.lineage.predecessor.pid || is_reaper(pid) ||
		    !is_of_server(search, pid, &stat))
			break;
		found = pid;
		if (outer_leads(pid))
			break;
		pid = stat.parent;
	}
	return found;
}

pid_t master_find(int fd)
{
	const int saved = errno;
	struct search search = {.socket = socket_identity(fd)};
	pid_t found = 0;

	if (inheritance_is_own_claim(search.socket))
		search.socket = 0;
	if (!atomic_load(&sandbox_deadly) && process_read_stat(getpid(), &search.self) == 0 &&
	    (!search.self.has_executed || start_fds_had(fd))) {
		search.is_kin = !search.self.has_executed;
		search.may_be_apart = socket_option_int(fd, SOL_SOCKET, SO_REUSEPORT) > 0 &&
		                      socket_option_int(fd, SOL_SOCKET, SO_DOMAIN) != AF_UNIX;
		found = find_above(&search);
	}
	errno = saved;
	return found;
}

bool master_summon(pid_t pid)
{
	const int64_t end = clock_now_ms() + SUMMON_MS;

	if (branch_tell_to(pid, BRANCH_LISTENS, (int32_t)log_utc_offset()) != 0)
		return false;
	while (!outer_leads(pid)) {
		if (clock_now_ms() >= end)
			return false;
		(void)clock_sleep(SUMMON_LOOK_NS);
	}
	branch_begin(pid);
	return true;
}

/* --- In the master --- */

void master_use(void (*lead)(void))
{
	master.lead = lead;
}

long master_utc_offset(void)
{
	return atomic_load(&master.utc_offset);
}

static void be_summoned(long utc_offset)
{
	const pid_t self = getpid();

	if (atomic_load(&generation.role) != ROLE_NONE ||
	    atomic_exchange(&master.summoned, self) == self)
		return;
	atomic_store(&master.utc_offset, utc_offset);
	fork_watch_by_hand();
	wake_signal_note_interrupt();
	if (light_thread_prepare(master.lead) == 0)
		(void)light_thread_start();
}

static bool leads(void)
{
	return atomic_load(&generation.role) == ROLE_LEADER;
}

void master_hear(struct wake_word word, pid_t sender)
{
	/* A child of vfork() runs in its parent's memory. */
	if (generation.pid && !generation_is_of_this_process())
		return;
	if (word.what == BRANCH_DRAIN_PASSED) {
		holder_hear(word, sender);
		return;
	}
	if (word.what == BRANCH_DRAIN || word.what == BRANCH_STOP)
		branch_hear(word); /* perhaps just before it is one */
	else if (!branches_note(sender, word))
		return;
	else if (word.what == BRANCH_LISTENS)
		be_summoned(word.number);
	else if (word.what == BRANCH_WAITS)
		membership_note(HINT_WAITS); /* perhaps just before it leads */
	if (leads())
		controller_wake();
}
