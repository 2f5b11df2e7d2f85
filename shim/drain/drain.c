/* SPDX-License-Identifier: MIT */
#include "drain/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/own_fd.h"
#include "base/settings.h"
#include "drain/connections.h"
#include "drain/drain_report.h"
#include "drain/passed.h"
#include "drain/port_group.h"
#include "drain/quiet_listener.h"
#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "generation/news.h"
#include "generation/start_listeners.h"
#include "http/follow.h"
#include "kernel/accept_queue.h"
#include "kernel/listeners.h"
#include "kernel/socket_identity.h"
#include "signal/branch.h"
#include "signal/branches.h"
#include "signal/wake_signal.h"
#include "kernel/procfs.h"

#define QUEUE_TICK_MS 1
#define QUEUE_QUIET_MS 2
/* A queue that clients can still enter may never become empty. */
#define GROWING_QUEUE_MS 1000
#define MEMBER_TICK_MS 5
#define MEMBERS_WAIT_MS 2000
#define CONNECTION_TICK_MS 20

/* At a stop there is no successor for the client of an idle connection, and no time to let it rest.
 * But the next response must still announce the close to a busy client that only waits for a
 * processor. And where HTTP does not say it, a response must plainly be over and not paused. */
#define STOP_GRACE_MS 400

/* A client whose first request is lost sends it again after 1 s, or after 3 s if the SYN was lost as
 * well (RFC 6298, 2.1 and 5.7). A client without a processor may take as long. A stop waits for the
 * first of these. */
#define FIRST_REQUEST_MS 4000
#define STOP_FIRST_REQUEST_MS 1500

enum drain_stage { STAGE_QUEUE, STAGE_STOP_ACCEPTING, STAGE_MEMBERS, STAGE_CONNECTIONS };

/* The controller's own. */
static struct {
	enum drain_stage stage;
	int fds[GENERATION_LISTENERS]; /* the listeners that end with this generation */
	int count;
	bool may_grow; /* new connections still enter the queue of one of them */
	int64_t begun;
	int64_t empty_since;
	int64_t stopped_since;
	struct drain_view view;
} drain;

/* What a branch accepts on ends with this process, unless a branch of another generation does, too. */
static bool is_held_by_others(int fd)
{
	return listeners_is_held_elsewhere(fd) &&
	       !(branches_exist() && branches_include(listeners_holder(fd)));
}

/* In doubt the listener counts as shared, and so does one that came with the start: a service manager may
 * hold it. To let go of a listener that no other process has resets
 * its queue, but to refuse connections that another generation would accept is an outage. */
static bool is_shared(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	memset(&address, 0, sizeof(address));
	return is_held_by_others(fd) || start_listeners_has(fd) ||
	       libc_calls.getsockname(fd, (void *)&address, &length) != 0 ||
	       generation_is_taken_over(socket_identity(fd), (const void *)&address, length);
}

static void keep(int fd)
{
	int kept;

	own_fd_begin();
	kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (kept >= 0)
		drain.fds[drain.count++] = kept;
	own_fd_end();
}

void drain_begin(int64_t deadline)
{
	int fds[GENERATION_LISTENERS];
	bool stays[GENERATION_LISTENERS];
	const int count = listeners_find(fds, GENERATION_LISTENERS);
	const bool predecessor_serves = generation_predecessor_serves();

	(void)failpoint("draining");
	memset(&drain, 0, sizeof(drain));
	drain.begun = clock_now_ms();
	drain_report_begin(drain.begun, deadline);
	passed_begin();
	for (int i = 0; i < count; i++)
		stays[i] = is_shared(fds[i]) || predecessor_serves;
	if (!port_group_leave(fds, stays, count))
		drain.may_grow = true;
	for (int i = 0; i < count; i++) {
		if (stays[i])
			continue;
		if (!accept_queue_turn_newcomers_away(fds[i]))
			drain.may_grow = true;
		keep(fds[i]);
	}
}

/* Closes what keep() has kept; each descriptor goes to BEFORE first, if that is not NULL. */
static void let_go(void (*before)(int fd))
{
	own_fd_begin();
	for (int i = 0; i < drain.count; i++) {
		if (before)
			before(drain.fds[i]);
		libc_calls.close(drain.fds[i]);
	}
	drain.count = 0;
	own_fd_end();
}

/* A child that keeps them would keep the address, too. */
void drain_forked(void)
{
	let_go(NULL);
	port_group_forked();
}

static bool queue_is_empty(int64_t now)
{
	for (int i = 0; i < drain.count; i++) {
		if (accept_queue_length(drain.fds[i]) > 0) {
			drain.empty_since = 0;
			return false;
		}
	}
	if (drain.count == 0)
		return true;
	if (!drain.empty_since)
		drain.empty_since = now;
	return now - drain.empty_since >= QUEUE_QUIET_MS;
}

/* A worker that joined after the others had stopped also holds the drain until it has stopped. */
static bool newcomers_have_stopped_accepting(int64_t now)
{
	return members_have_stopped_accepting() || now - drain.stopped_since >= MEMBERS_WAIT_MS;
}

static bool members_remain(int64_t now)
{
	return !branches_have_drained() || connections_remain() || members_have_connections() ||
	       !newcomers_have_stopped_accepting(now);
}

static void choose_graces(bool is_stop, struct idle_graces *ret_graces)
{
	const int64_t ms = settings.idle_grace_ms;

	*ret_graces = (struct idle_graces){ms, ms, ms > FIRST_REQUEST_MS ? ms : FIRST_REQUEST_MS};
	if (!is_stop)
		return;
	if (ms > STOP_GRACE_MS)
		ret_graces->http_ms = ret_graces->other_ms = STOP_GRACE_MS;
	ret_graces->first_ms = STOP_FIRST_REQUEST_MS;
}

void drain_scan(struct drain_view *view)
{
	const int64_t begun = clock_now_ms();
	struct idle_graces graces;

	if (begun < view->next_scan)
		return;
	follow_begin();
	choose_graces(view->is_stop || atomic_load(&news()->is_stopping), &graces);
	connections_scan(&graces, &view->scan);
	view->next_scan = connections_next_scan(&view->scan, begun, clock_now_ms());
}

/* shutdown(2) ends a listener in every process that has a copy, even a forgotten one; close(2)
 * alone would not. But it makes an accept() that still sleeps fail with EINVAL, which a server may
 * take for a fault. Once the table is complete, quiet_accept_goes_on() hides that. */
static void shut(int fd)
{
	(void)libc_calls.shutdown(fd, SHUT_RDWR);
}

static void end_listeners(void)
{
	const struct successor *successor = atomic_load(&generation.successor);

	/* Its branches still accept. */
	let_go(quiet_listener_table_is_complete() && !branches_exist() ? shut : NULL);
	port_group_end();
	if (successor) {
		atomic_store(&successor->birth->predecessor_holds, 0);
		bell_ring(&successor->birth->bell);
	}
}

static int stop_accepting(void)
{
	static int kept[2 * GENERATION_LISTENERS]; /* the controller's stack is small */

	memcpy(kept, drain.fds, (size_t)drain.count * sizeof(*kept));
	return stop_accepting_begin(kept, drain.count + port_group_fds(kept + drain.count));
}

bool drain_step(int64_t *ret_wait_ms)
{
	const int64_t now = clock_now_ms();

	switch (drain.stage) {
	case STAGE_QUEUE:
		*ret_wait_ms = QUEUE_TICK_MS;
		if (!queue_is_empty(now) &&
		    (!drain.may_grow || now - drain.begun < GROWING_QUEUE_MS))
			return false;
		(void)failpoint("queue_empty");
		drain.stage = STAGE_STOP_ACCEPTING;
		/* fall through */
	case STAGE_STOP_ACCEPTING:
		*ret_wait_ms = CONNECTION_TICK_MS;
		if (stop_accepting() != 0)
			return false;
		(void)failpoint("stopped_accepting");
		drain.stage = STAGE_MEMBERS;
		drain.stopped_since = now;
		atomic_store(&news_own()->is_stopping,
		             !generation_successor_lives() && !branch_is_succeeded());
		atomic_store(&news_own()->phase, PHASE_NOT_ACCEPTING);
		wake_signal_tell();
		/* fall through */
	case STAGE_MEMBERS:
		*ret_wait_ms = MEMBER_TICK_MS;
		if (!members_have_stopped_accepting() &&
		    now - drain.stopped_since < MEMBERS_WAIT_MS)
			return false;
		drain.stage = STAGE_CONNECTIONS;
		end_listeners();
		(void)failpoint("listeners_ended");
		/* fall through */
	case STAGE_CONNECTIONS:
		*ret_wait_ms = CONNECTION_TICK_MS;
		branches_drain(generation_successor_lives());
		drain_scan(&drain.view);
		if (!passed_remain(now, members_remain(now)))
			return true;
		drain_report_progress(&drain.view.scan, now);
		return false;
	}
	return false;
}

void drain_end(void)
{
	end_listeners();
}

bool drain_has_stopped_accepting(void)
{
	return drain.stage > STAGE_STOP_ACCEPTING;
}

/* The kernel drops this process's marks with the first descriptor of a socket that it closes
 * (fcntl(2), "Advisory record locking"). */
static void mark_listeners_again(void)
{
	int fds[GENERATION_LISTENERS];
	const int count = listeners_find(fds, GENERATION_LISTENERS);

	for (int i = 0; i < count; i++)
		listeners_mark_held(fds[i]);
}

void drain_cancel(void)
{
	let_go(accept_queue_let_newcomers_in);
	port_group_end();
	mark_listeners_again();
}
