/* SPDX-License-Identifier: MIT */
#include "signal/origin.h"

#include <unistd.h>

#include "generation/generation.h"
#include "generation/members.h"
#include "kernel/sandbox.h"
#include "signal/branches.h"

/* In a tight sandbox even getpid() may be deadly. */
static pid_t own_pid(void)
{
	return sandbox_is_tight() ? generation.pid : getpid();
}

/* A sender in another pid namespace has the pid 0. */
bool origin_is_own(const siginfo_t *info)
{
	switch (info->si_code) {
	case SI_USER:
	case SI_QUEUE:
		return info->si_pid == own_pid() || members_include(info->si_pid) ||
		       branches_include(info->si_pid);
	case SI_KERNEL:
		return false;
	default:
		return true;
	}
}
