/* SPDX-License-Identifier: MIT */
#include "drain/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/errno_names.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/test_step.h"
#include "base/text.h"
#include "drain/connections.h"
#include "drain/quiet_listener.h"
#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "http/farewell.h"
#include "kernel/accept_queue.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"

#define QUEUE_TICK_MS 1
#define QUEUE_QUIET_MS 2
/* A queue that clients can still get into may never be found empty. */
#define GROWING_QUEUE_MS 1000
#define MEMBER_TICK_MS 5
#define MEMBERS_WAIT_MS 2000
#define CONNECTION_TICK_MS 20
#define REPORT_EVERY_MS 1000

/* No successor awaits the client of an idle connection: it need not be given the time to send one more
 * request. But where HTTP does not tell, it must be plain that a response is over, not paused. */
#define STOP_HTTP_GRACE_MS 50
#define STOP_GRACE_MS 400

enum drain_stage { STAGE_QUEUE, STAGE_STOP_ACCEPTING, STAGE_MEMBERS, STAGE_CONNECTIONS };

/* The controller's own. */
static struct {
	enum drain_stage stage;
	int fds[GENERATION_LISTENERS]; /* the listeners that end with this generation */
	int count;
	bool has_complained;
	bool may_grow; /* new connections still get into the queue of one of them */
	int64_t begun;
	int64_t deadline;
	int64_t empty_since;
	int64_t stopped_since;
	struct drain_view view;
	int64_t next_report;
} drain;

/* In doubt it is shared: letting go of a listener that nobody else has resets its queue, but turning
 * connections away from one that another generation serves would be an outage. */
static bool is_shared(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	memset(&address, 0, sizeof(address));
	return listeners_is_held_elsewhere(fd) ||
	       libc_calls.getsockname(fd, (void *)&address, &length) != 0 ||
	       generation_is_taken_over((const void *)&address, length);
}

void drain_begin(int64_t deadline)
{
	int fds[GENERATION_LISTENERS];
	const int count = listeners_find(fds, GENERATION_LISTENERS);

	(void)test_step("draining");
	memset(&drain, 0, sizeof(drain));
	drain.begun = clock_now_ms();
	drain.next_report = drain.begun + REPORT_EVERY_MS;
	drain.deadline = deadline;
	for (int i = 0; i < count; i++) {
		int kept;

		if (is_shared(fds[i]) || generation_predecessor_serves())
			continue;
		if (!accept_queue_turn_newcomers_away(fds[i]))
			drain.may_grow = true;
		kept = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (kept >= 0)
			drain.fds[drain.count++] = kept;
	}
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

static bool members_have_stopped_accepting(void)
{
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		struct member *member = &generation.page->members[i];

		if (atomic_load(&member->pid) && atomic_load(&member->kind) == MEMBER_WORKER &&
		    !atomic_load(&member->has_stopped_accepting) && member_is_live(member))
			return false;
	}
	return true;
}

/* A worker that joined after the others had stopped holds the drain until it is, too. */
static bool newcomers_have_stopped_accepting(int64_t now)
{
	return members_have_stopped_accepting() || now - drain.stopped_since >= MEMBERS_WAIT_MS;
}

static bool members_have_connections(void)
{
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		struct member *member = &generation.page->members[i];

		if (atomic_load(&member->pid) && atomic_load(&member->connections) &&
		    member_is_live(member))
			return true;
	}
	return false;
}

/* Of the whole generation; a child forked for one connection counts as one. */
struct drain_sum {
	uint32_t left, idle;
};

static struct drain_sum sum_up(const struct connections_look *own)
{
	struct drain_sum sum = {(uint32_t)own->left, (uint32_t)own->idle};

	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		struct member *member = &generation.page->members[i];

		if (!atomic_load(&member->pid) || !atomic_load(&member->connections) ||
		    !member_is_live(member))
			continue;
		sum.left += atomic_load(&member->connections);
		sum.idle += atomic_load(&member->idle);
	}
	return sum;
}

static void report_progress(int64_t now)
{
	const int64_t to_go = drain.deadline > now ? drain.deadline - now : 0;
	struct drain_sum sum;

	if (now < drain.next_report)
		return;
	drain.next_report = now + REPORT_EVERY_MS;
	sum = sum_up(&drain.view.look);
	log_info("Draining: %u connection%s left (%u idle), %ld.%ld s to go.", sum.left,
	         sum.left == 1 ? "" : "s", sum.idle, (long)(to_go / 1000),
	         (long)(to_go % 1000 / 100));
}

static void choose_graces(struct idle_graces *ret_graces)
{
	const int64_t ms = settings.idle_grace_ms;

	*ret_graces = (struct idle_graces){ms, ms};
	if (!atomic_load(&generation.page->is_stopping))
		return;
	if (ms > STOP_HTTP_GRACE_MS)
		ret_graces->http_ms = STOP_HTTP_GRACE_MS;
	if (ms > STOP_GRACE_MS)
		ret_graces->other_ms = STOP_GRACE_MS;
}

void drain_look(struct drain_view *view)
{
	const int64_t begun = clock_now_ms();
	struct idle_graces graces;

	if (begun < view->next_look)
		return;
	farewell_begin();
	choose_graces(&graces);
	connections_look(&graces, &view->look);
	view->next_look = connections_next_look(&view->look, begun, clock_now_ms());
}

void drain_report_left(void)
{
	static const struct idle_graces never = {INT64_MAX, INT64_MAX};
	char peers[3 * CONNECTIONS_PEERS] = "";
	struct drain_sum sum;
	bool go_on;

	if (!drain_has_stopped_accepting() ||
	    (!connections_remain() && !members_have_connections()))
		return;
	connections_look(&never, &drain.view.look);
	sum = sum_up(&drain.view.look);
	if (sum.left == 0)
		return;
	go_on = text_list(peers, sizeof(peers), drain.view.look.peers);
	for (int i = 0; i < GENERATION_MEMBERS && go_on; i++) {
		const struct member *member = &generation.page->members[i];

		if (atomic_load(&member->pid) && atomic_load(&member->connections) &&
		    atomic_load(&member->has_peers))
			go_on = text_list(peers, sizeof(peers), member->peers);
	}
	log_info("The drain ends with %u connection%s left%s%s.", sum.left,
	         sum.left == 1 ? "" : "s", peers[0] ? ", among them: " : "", peers);
}

/* shutdown(2) ends a listener for everyone who has it, however many forgotten copies a child may
 * hold; close(2) alone would leave it to them. But a thread of the server's that still sits in accept() would
 * hear of it (EINVAL), and may take that for a fault. */
static void end_listeners(void)
{
	struct generation_page *successor = atomic_load(&generation.successor);

	for (int i = 0; i < drain.count; i++) {
		if (quiet_listener_table_is_complete())
			(void)libc_calls.shutdown(drain.fds[i], SHUT_RDWR);
		libc_calls.close(drain.fds[i]);
	}
	drain.count = 0;
	if (successor) {
		atomic_store(&successor->predecessor_holds, 0);
		bell_ring(&successor->bell);
	}
}

static void complain_once(int error)
{
	if (!drain.has_complained)
		log_error(
			"Unable to stop accepting: no descriptor for the stand-in socket (%s). Will keep trying until the drain ends.",
			errno_name(-error));
	drain.has_complained = true;
}

bool drain_step(int64_t *ret_wait_ms)
{
	const int64_t now = clock_now_ms();
	int error;

	switch (drain.stage) {
	case STAGE_QUEUE:
		*ret_wait_ms = QUEUE_TICK_MS;
		if (!queue_is_empty(now) &&
		    (!drain.may_grow || now - drain.begun < GROWING_QUEUE_MS))
			return false;
		(void)test_step("queue_empty");
		drain.stage = STAGE_STOP_ACCEPTING;
		/* fall through */
	case STAGE_STOP_ACCEPTING:
		*ret_wait_ms = CONNECTION_TICK_MS;
		error = stop_accepting_begin(drain.fds, drain.count);
		if (error) {
			complain_once(error);
			return false;
		}
		(void)test_step("stopped_accepting");
		drain.stage = STAGE_MEMBERS;
		drain.stopped_since = now;
		atomic_store(&generation.page->is_stopping, !generation_successor_lives());
		atomic_store(&generation.page->phase, PHASE_NOT_ACCEPTING);
		bell_ring(&generation.page->bell);
		/* fall through */
	case STAGE_MEMBERS:
		*ret_wait_ms = MEMBER_TICK_MS;
		if (!members_have_stopped_accepting() &&
		    now - drain.stopped_since < MEMBERS_WAIT_MS)
			return false;
		drain.stage = STAGE_CONNECTIONS;
		end_listeners();
		(void)test_step("listeners_ended");
		/* fall through */
	case STAGE_CONNECTIONS:
		*ret_wait_ms = CONNECTION_TICK_MS;
		drain_look(&drain.view);
		if (!connections_remain() && !members_have_connections() &&
		    newcomers_have_stopped_accepting(now))
			return true;
		report_progress(now);
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

void drain_cancel(void)
{
	for (int i = 0; i < drain.count; i++) {
		accept_queue_let_newcomers_in(drain.fds[i]);
		libc_calls.close(drain.fds[i]);
	}
	drain.count = 0;
}
