/* SPDX-License-Identifier: MIT */
#include "signal/origin.h"

#include <unistd.h>

#include "generation/members.h"

/* A sender in another pid namespace has the pid 0. */
bool origin_is_own(const siginfo_t *info)
{
	switch (info->si_code) {
	case SI_USER:
	case SI_QUEUE:
		return info->si_pid == getpid() || members_include(info->si_pid);
	case SI_KERNEL:
		return false;
	default:
		return true;
	}
}
