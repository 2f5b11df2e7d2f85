/* SPDX-License-Identifier: MIT */
#include "control/worker.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/settings.h"
#include "drain/connections.h"
#include "drain/drain.h"
#include "drain/stop_accepting.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "generation/news.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"

#define FALLBACK_TICK_MS 50
#define ORPHAN_GRACE_MS 1000
#define LEADER_TICK_MS 250
#define DAEMON_TICK_MS 20

/* The controller's own. */
static struct {
	bool is_left_behind;
	int64_t gone_since; /* 0: the leader lives */
	struct drain_view view;
} worker;

void worker_forked(void)
{
	worker.is_left_behind = false;
	worker.gone_since = 0;
	worker.view.next_scan = 0;
}

static void report(void)
{
	struct hint_report report = {0};

	drain_scan(&worker.view);
	/* The last scan may be old, so ask now whether a connection is left. */
	if (connections_remain())
		report.connections =
			worker.view.scan.left > 0 ? (uint32_t)worker.view.scan.left : 1;
	report.idle = (uint32_t)worker.view.scan.idle;
	report.peer_count = worker.view.scan.peer_count;
	memcpy(report.peers, worker.view.scan.peers, sizeof(report.peers));
	membership_report(&report);
}

/* The leader has gone, and nobody else will stop this worker. So it finishes its connections, and
 * then sends itself the server's stop signal. */
static int64_t leave_without_leader(void)
{
	const int64_t now = clock_now_ms();
	int64_t limit = ORPHAN_GRACE_MS;

	if (!worker.gone_since)
		worker.gone_since = now;
	if (stop_accepting_begin(NULL, 0) == 0) {
		drain_scan(&worker.view);
		if (connections_remain())
			limit = settings.drain_timeout_ms;
	}
	if (now - worker.gone_since >= limit + settings.stop_timeout_ms)
		(void)libc_calls.kill(generation.pid, SIGKILL);
	else if (now - worker.gone_since >= limit)
		(void)libc_calls.kill(generation.pid, settings.stop_signal);
	return FALLBACK_TICK_MS;
}

static bool another_generation_accepts(void)
{
	int fds[GENERATION_LISTENERS];
	const int count = listeners_find(fds, GENERATION_LISTENERS);

	for (int i = 0; i < count; i++) {
		if (listeners_is_held_elsewhere(fds[i]))
			return true;
	}
	return false;
}

/* Nobody ends what the first process of a sibling has left behind (spawn.h), and its predecessor does
 * not wait for an heir. */
bool worker_is_stillborn(void)
{
	if (generation.lineage.is_sibling && !atomic_load(&news()->is_ready) &&
	    generation_is_heir() && generation_predecessor_serves())
		worker.is_left_behind = true;
	return worker.is_left_behind;
}

/* A killed leader rings no bell, so the workers watch it during a hand-over. Without a successor
 * they serve on, as they would without Octopus. With one they leave, so as not to take its
 * connections. */
static bool is_left_behind(uint32_t phase)
{
	const pid_t leader = atomic_load(&news()->leader);

	if (worker_is_stillborn() || phase == PHASE_LEFT)
		return true;
	if (phase == PHASE_SERVING || leader <= 0 || !procfs_is_dead(leader))
		return false;
	/* Remember the answer: later the listeners that show it are replaced. */
	worker.is_left_behind = phase == PHASE_NOT_ACCEPTING || another_generation_accepts();
	return worker.is_left_behind;
}

bool worker_is_idle(void)
{
	return atomic_load(&news()->phase) == PHASE_SERVING && !worker.is_left_behind &&
	       !generation.is_daemonizing && !generation_is_heir();
}

static int64_t step(void)
{
	const uint32_t phase = atomic_load(&news()->phase);

	if (sandbox_deadly_for_controller(SANDBOX_CONTROLLER))
		return INT64_MAX;
	if (is_left_behind(phase))
		return leave_without_leader();
	if (phase == PHASE_SERVING) {
		/* A daemon's master waits for its parent to exit, and then leads. */
		return generation.is_daemonizing && libc_calls.getppid() == generation.fork_parent
		               ? DAEMON_TICK_MS
		               : INT64_MAX;
	}
	if (phase == PHASE_HANDING_OVER)
		return LEADER_TICK_MS;
	(void)failpoint("worker_stopping");
	if (!membership_is_joined() || stop_accepting_begin(NULL, 0) != 0)
		return FALLBACK_TICK_MS;
	report();
	(void)failpoint("worker_stopped");
	return membership_connections() ? FALLBACK_TICK_MS : LEADER_TICK_MS;
}

int64_t worker_step(int64_t most_ms)
{
	const int64_t wait_ms = step();

	return wait_ms < most_ms ? wait_ms : most_ms;
}
