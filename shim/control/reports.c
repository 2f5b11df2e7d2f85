/* SPDX-License-Identifier: MIT */
#include "control/reports.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/interpose.h"
#include "drain/stop_accepting.h"
#include "kernel/listeners.h"
#include "kernel/sandbox.h"
#include "upgrade/adoption.h"

/* More than it takes to replace all listeners. */
#define STOP_ACCEPTING_MS 1000

_Atomic bool reports_has_accepted[REPORTS_HIGHEST_FD];

_Atomic uint32_t reports_changes = 1;

void reports_note_new(int fd)
{
	atomic_store(&reports_has_accepted[fd], true);
	reports_look_anew();
}

void reports_look_anew(void)
{
	atomic_fetch_add(&reports_changes, 1);
}

bool reports_is_accepted_on(int fd)
{
	return (unsigned)fd < REPORTS_HIGHEST_FD &&
	       atomic_load_explicit(&reports_has_accepted[fd], memory_order_relaxed);
}

/* Makes FD non-blocking, if it is a listener that blocks. The other generation may have just ended: then
 * a thread may be about to make it block again. */
static bool unblock(int fd)
{
	if (adoption_blocks_for_server(fd))
		return fcntl(fd, F_GETFL) & O_NONBLOCK;
	if (!listeners_unblock(fd))
		return false;
	if (generation_may_share())
		return true;
	listeners_block_again(fd);
	return false;
}

/* The process has stopped accepting since the wait has returned, or is about to: then another socket is under this
 * number in a moment, and on the old one no accept() finds what the wait told of. */
static bool is_there_still(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};

	stop_accepting_await(STOP_ACCEPTING_MS);
	return kept_has(fd) || libc_calls.poll(&request, 1, 0) != 0;
}

bool reports_is_there(int fd)
{
	const int saved = errno;
	bool answer = true;

	if (sandbox_is_tight())
		return true;
	if (!stop_accepting_has_begun() && generation_may_share() && unblock(fd))
		answer = kept_take(fd) != KEPT_NONE;
	if (answer && stop_accepting_has_begun())
		answer = is_there_still(fd);
	errno = saved;
	return answer;
}
