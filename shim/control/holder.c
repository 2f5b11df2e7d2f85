/* SPDX-License-Identifier: MIT */
#include "control/holder.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/settings.h"
#include "control/fork.h"
#include "drain/connections.h"
#include "drain/drain.h"
#include "drain/passed.h"
#include "drain/passed_ports.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "generation/start_image.h"
#include "kernel/ancestry.h"
#include "kernel/credentials.h"
#include "kernel/light_thread.h"
#include "kernel/sandbox.h"

#define TICK_NS (20 * NS_PER_MS)

static struct {
	void (*run)(void);
	_Atomic pid_t leader;
	_Atomic bool is_stop;
	_Atomic uint32_t words;
	uint32_t heard; /* the thread's own, as the next one */
	struct drain_view view;
} holder;

static void ignore(const char *format, ...)
{
	(void)format;
}

/* A process that listens, or has joined a generation, has a controller, which reads them. */
static bool has_controller(void)
{
	return atomic_load(&generation.role) == ROLE_LEADER || membership_is_joined();
}

static bool is_told_by_ancestor(void)
{
	return ancestry_descends(getpid(), atomic_load(&holder.leader));
}

/* Returns false when there is nothing more to do. */
static bool step(void)
{
	credentials_follow();
	if (has_controller() || !is_told_by_ancestor() || atomic_load(&sandbox_deadly))
		return false;
	holder.view.is_stop = atomic_load(&holder.is_stop);
	drain_scan(&holder.view);
	return connections_remain();
}

static bool has_news(void)
{
	return atomic_load(&holder.words) != holder.heard;
}

static void run(void)
{
	(void)libc_calls.prctl(PR_SET_NAME, "octopus", 0, 0, 0);
	if (atomic_load(&generation.role) == ROLE_NONE)
		settings_read(start_image_getenv, start_image.directory, ignore);
	do {
		holder.heard = atomic_load(&holder.words);
		while (step())
			(void)clock_sleep(TICK_NS);
	} while (!light_thread_may_end(has_news));
}

void holder_begin(void)
{
	holder.run = run;
}

void holder_hear(struct wake_word word, pid_t sender)
{
	if (has_controller() || atomic_load(&sandbox_deadly) ||
	    !ancestry_descends(getpid(), sender))
		return;
	passed_ports_add((uint16_t)(word.number & PASSED_PORT));
	atomic_store(&holder.is_stop, (word.number & PASSED_IS_STOP) != 0);
	atomic_store(&holder.leader, sender);
	atomic_fetch_add(&holder.words, 1);
	fork_watch_by_hand();
	wake_signal_note_interrupt();
	if (light_thread_prepare(holder.run) == 0)
		(void)light_thread_start();
}
