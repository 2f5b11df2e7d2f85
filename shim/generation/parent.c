/* SPDX-License-Identifier: MIT */
#include "generation/parent.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "base/interpose.h"
#include "base/log.h"
#include "base/raw_syscall.h"
#include "generation/generation.h"
#include "kernel/procfs.h"

/* A fork copies this, but the kernel clears the signal in the child, whose parent is another one.
 * So what is known counts only in the process that it is known of. */
static struct {
	pid_t self; /* the process that was executed */
	int start_signal;
	pid_t reaper;           /* 0: not started by one */
	_Atomic pid_t first;    /* 0: getppid() tells the truth */
	_Atomic pid_t asker;    /* the process that has asked for a signal */
	_Atomic int remembered; /* its signal, of which the kernel does not know */
} parent;

void parent_capture(void)
{
	parent.self = (pid_t)RAW0(SYS_getpid);
	(void)RAW5(SYS_prctl, PR_GET_PDEATHSIG, &parent.start_signal, 0, 0, 0);
}

void parent_inherit(pid_t first)
{
	parent.self = (pid_t)RAW0(SYS_getpid);
	parent.reaper = (pid_t)RAW0(SYS_getppid);
	atomic_store(&parent.first, first);
}

static bool is_self(void)
{
	return getpid() == parent.self;
}

bool parent_is_reaper(pid_t *ret_first)
{
	*ret_first = 0;
	if (!parent.reaper || (pid_t)RAW0(SYS_getppid) != parent.reaper)
		return false;
	if (is_self())
		*ret_first = atomic_load(&parent.first);
	return true;
}

/* A zombie has left its children already. /proc may hide another user's processes (hidepid). */
static bool is_alive(pid_t pid)
{
	return libc_calls.kill(pid, 0) == 0 ? !procfs_is_dead(pid) : errno == EPERM;
}

pid_t parent_get(void)
{
	const pid_t first = atomic_load(&parent.first);
	const int saved = errno;
	bool is_there;

	if (!first || !is_self())
		return libc_calls.getppid();
	is_there = is_alive(first);
	errno = saved;
	if (is_there)
		return first;
	atomic_store(&parent.first, 0);
	return libc_calls.getppid();
}

int parent_set_death_signal(unsigned long sig)
{
	pid_t first;
	int result = 0;

	if (sig < NSIG && parent_is_reaper(&first))
		atomic_store(&parent.remembered, (int)sig);
	else
		result = (int)raw_result(RAW5(SYS_prctl, PR_SET_PDEATHSIG, sig, 0, 0, 0));
	if (result == 0)
		atomic_store(&parent.asker, sig ? getpid() : 0);
	return result;
}

int parent_remembered_signal(void)
{
	return atomic_load(&parent.asker) == getpid() ? atomic_load(&parent.remembered) : 0;
}

bool parent_is_wanted(int *ret_signal)
{
	*ret_signal = is_self() ? parent.start_signal : 0;
	return *ret_signal || atomic_load(&parent.asker) == getpid();
}

bool parent_learns_given_up(void)
{
	static _Atomic pid_t learned;
	const struct birth *birth = atomic_load(&generation.birth);
	const pid_t self = getpid();

	if (!birth || !atomic_load(&birth->is_given_up) || !generation_predecessor_serves() ||
	    atomic_exchange(&learned, self) == self)
		return false;
	log_error("This new version was given up by its predecessor: it cannot take over.");
	return true;
}

void parent_leave_if_unfollowed(void)
{
	const struct birth *birth = atomic_load(&generation.birth);

	if (parent_learns_given_up())
		libc_calls._exit(1);
	if (!birth || !generation.lineage.is_sibling || !atomic_load(&birth->predecessor_holds) ||
	    is_self() || !procfs_is_dead(parent.self))
		return;
	log_error(
		"This new version has become a daemon, but its predecessor asked for a signal at its parent's death: it cannot take over.");
	libc_calls._exit(1);
}

pid_t parent_to_hand_over(void)
{
	return is_self() ? parent_get() : 0;
}
