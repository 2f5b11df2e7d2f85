/* SPDX-License-Identifier: MIT */
#include "control/candidate.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "generation/generation.h"
#include "generation/start_listeners.h"
#include "kernel/listeners.h"
#include "kernel/sandbox.h"
#include "kernel/socket_options.h"
#include "upgrade/adoption.h"
#include "upgrade/inheritance.h"

static struct {
	_Atomic bool is_one, has_refused;
	_Atomic pid_t refused; /* which process could not bind a stream socket, or 0 */
	_Atomic uint32_t claims;
	_Atomic pid_t claimer; /* which process has made the last of them */
} candidate;

void candidate_begin(void)
{
	atomic_store(&candidate.is_one, true);
}

void candidate_note_refusal(void)
{
	atomic_store(&candidate.has_refused, true);
}

bool candidate_has_refused(void)
{
	return atomic_load(&candidate.has_refused);
}

/* Its signals are taken when it listens: nobody knows it before. */
void candidate_look(int fd)
{
	if (atomic_load(&generation.role) != ROLE_NONE ||
	    (fd >= 0 && socket_option_int(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM) ||
	    !inheritance_look())
		return;
	candidate_begin();
	atomic_store(&atomic_load(&generation.birth)->is_attached, 1);
}

void candidate_note_claim(void)
{
	atomic_store(&candidate.claimer, getpid());
	atomic_fetch_add(&candidate.claims, 1);
}

void candidate_leave_masters_claims(void)
{
	if (atomic_load(&candidate.claimer) != getpid())
		atomic_store(&candidate.claims, 0);
}

uint32_t candidate_take_claims(void)
{
	return atomic_exchange(&candidate.claims, 0);
}

void candidate_note_failed_bind(int fd)
{
	const int saved = errno;

	if (atomic_load(&candidate.is_one) && !sandbox_is_tight() &&
	    socket_option_int(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM)
		atomic_store(&candidate.refused, getpid());
	errno = saved;
}

bool candidate_was_refused(void)
{
	return atomic_load(&candidate.refused) && !sandbox_is_tight() &&
	       atomic_load(&candidate.refused) == getpid();
}

bool candidate_is_another_servers(int fd)
{
	return atomic_load(&generation.role) == ROLE_NONE && start_listeners_has(fd) &&
	       !start_listeners_is_own(fd);
}

int candidate_claim_start_listeners(void)
{
	static _Atomic bool is_done;
	int fds[GENERATION_LISTENERS], claimed = 0, count;

	if (!start_listeners_exist() || atomic_exchange(&is_done, true))
		return 0;
	count = listeners_find(fds, GENERATION_LISTENERS);
	for (int i = 0; i < count; i++) {
		if (!start_listeners_has(fds[i]))
			continue;
		adoption_claim_same(fds[i]);
		listeners_mark_held(fds[i]);
		claimed++;
	}
	return claimed;
}
