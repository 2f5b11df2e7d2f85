/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "connections.h"
#include "generation.h"
#include "interpose.h"
#include "settings.h"
#include "silence.h"
#include "test_step.h"

#define FALLBACK_TICK_MS 50
#define ORPHAN_GRACE_MS 1000
#define DAEMON_TICK_MS 20

static void report(void)
{
	struct member *me = generation.membership;
	const uint32_t before = atomic_load(&me->connections) + !atomic_load(&me->is_silent);

	/* In this order: "silent" is only said once the number is true. */
	atomic_store(&me->connections, connections_remain());
	atomic_store(&me->is_silent, 1);
	if (atomic_load(&me->connections) != before)
		bell_ring(&generation.page->bell);
}

/* The leader has gone without ending this one, which will never accept again. */
static int64_t follow_the_leader(void)
{
	static int64_t gone_since;
	const int64_t now = bell_now_ms();

	if (!gone_since)
		gone_since = now;
	if (now - gone_since >= ORPHAN_GRACE_MS + settings.stop_timeout_ms)
		(void)kill(generation.pid, SIGKILL);
	else if (now - gone_since >= ORPHAN_GRACE_MS)
		(void)kill(generation.pid, settings.stop_signal);
	return ORPHAN_GRACE_MS;
}

int64_t worker_step(void)
{
	const uint32_t phase = atomic_load(&generation.page->phase);

	if (phase == PHASE_LEFT)
		return follow_the_leader();
	if (phase == PHASE_SERVING) {
		/* A daemon's master waits for its parent to exit, and then leads. */
		return generation.is_daemonizing && getppid() == generation.fork_parent
		               ? DAEMON_TICK_MS
		               : INT64_MAX;
	}
	(void)test_step("worker_silencing");
	if (!generation.membership || silence_begin(NULL, 0) != 0)
		return FALLBACK_TICK_MS;
	report();
	(void)test_step("worker_silent");
	return atomic_load(&generation.membership->connections) ? FALLBACK_TICK_MS : INT64_MAX;
}
