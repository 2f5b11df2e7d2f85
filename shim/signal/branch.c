/* SPDX-License-Identifier: MIT */
#include "signal/branch.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/settings.h"
#include "base/signal_set.h"
#include "generation/generation.h"
#include "kernel/ancestry.h"

static struct {
	_Atomic pid_t master;
	_Atomic int request; /* enum branch_word, or 0 */
	_Atomic bool is_conducted, is_succeeded;
} branch;

/* The rest is the master's own business, or the server's. */
static void limit_requests(void)
{
	FOR_EACH_SIGNAL (sig) {
		if (settings.requests[sig] != REQUEST_STOP)
			settings.requests[sig] = REQUEST_NONE;
	}
	settings.lame_duck_ms = 0;
	settings.pidfile[0] = '\0';
}

void branch_begin(pid_t master)
{
	atomic_store(&branch.master, master);
	generation.is_branch = true;
	limit_requests();
}

static bool is_ancestor(pid_t pid, const void *context)
{
	(void)context;
	return ancestry_descends(getpid(), pid);
}

bool branch_has_master(void)
{
	return generation.is_branch && is_ancestor(atomic_load(&branch.master), NULL);
}

int branch_tell_to(pid_t master, enum branch_word what, int32_t number)
{
	return wake_signal_say(master, (struct wake_word){(uint8_t)what, number}, is_ancestor,
	                       NULL);
}

int branch_tell(enum branch_word what, int32_t number)
{
	return branch_tell_to(atomic_load(&branch.master), what, number);
}

void branch_hear(struct wake_word word)
{
	if (word.what == BRANCH_DRAIN)
		atomic_store(&branch.is_succeeded, word.number != 0);
	atomic_store(&branch.request, word.what);
}

int branch_take_request(void)
{
	const int request = atomic_exchange(&branch.request, 0);

	if (request)
		atomic_store(&branch.is_conducted, request == BRANCH_DRAIN);
	return request;
}

bool branch_is_conducted(void)
{
	return atomic_load(&branch.is_conducted);
}

void branch_leave_conductor(void)
{
	atomic_store(&branch.is_conducted, false);
}

bool branch_is_succeeded(void)
{
	return atomic_load(&branch.is_succeeded);
}

void branch_forked(void)
{
	atomic_store(&branch.request, 0);
	atomic_store(&branch.is_conducted, false);
	atomic_store(&branch.is_succeeded, false);
}
