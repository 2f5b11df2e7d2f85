/* SPDX-License-Identifier: MIT */
#include "control/asked.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/signal_set.h"
#include "generation/generation.h"
#include "generation/parent.h"
#include "generation/start_image.h"
#include "signal/branch.h"
#include "signal/dispositions.h"

/* The kernel also sends HUP to a stopped process when the last parent of its process group in the
 * session ends (setpgid(2), "orphaned"). A successor's reaper or predecessor may be that parent.
 * Such a HUP asks for nothing. It is no hang-up if the process had no terminal, or if the successor
 * still has a group of its own. */
static bool is_orphan_signal(void)
{
	return generation.lineage.predecessor.pid &&
	       (!start_image.had_terminal || getpgrp() != generation.lineage.group);
}

/* A hang-up of the terminal asks for no upgrade; a server that does not ignore it would end. The
 * kernel sends it to the leader of the session and to the foreground group (tty_ioctl(4)). */
enum request asked_request(int sig, bool is_from_terminal)
{
	/* What the terminal sends to all processes, the master conducts. */
	if (is_from_terminal && branch_has_master())
		return REQUEST_NONE;
	if (sig != SIGHUP || !is_from_terminal || settings.requests[sig] == REQUEST_NONE)
		return settings.requests[sig];
	if (dispositions_is_ignored(sig) || is_orphan_signal())
		return REQUEST_NONE;
	return REQUEST_STOP;
}

/* Until the predecessor has accepted this version, it waits for it. A successor of its own would take
 * the listeners on, and the predecessor would find nobody who is ready. */
bool asked_too_early(int sig, bool is_from_terminal)
{
	const enum request request = asked_request(sig, is_from_terminal);
	const struct birth *birth = atomic_load(&generation.birth);

	return (request == REQUEST_REPLACE || request == REQUEST_FORK) && birth &&
	       !atomic_load(&birth->is_accepted) && generation_predecessor_serves();
}

uint64_t asked_to_leave(void)
{
	const int sig = parent_learns_given_up() ? settings_stop_request() : 0;

	if (sig == SIGKILL)
		libc_calls._exit(1);
	return sig ? SIGNAL_BIT(sig) : 0;
}
