/* SPDX-License-Identifier: MIT */
#include "generation/membership.h"

#include <stdatomic.h>

#include "base/raw_memory.h"
#include "generation/doorbell.h"
#include "generation/generation.h"
#include "generation/news.h"
#include "kernel/sandbox.h"

/* Where this process reports. */
static struct {
	struct hints *_Atomic page; /* of its family; NULL: it has none */
	_Atomic int entry;          /* -1: not taken */
	_Atomic bool is_joined;
	_Atomic bool is_silent; /* nothing has been written: that would cost a page */
	_Atomic uint32_t connections;
	bool is_first;       /* of its family */
	bool has_connection; /* forked for one */
} own = {.entry = -1};

/* What this process says itself, be it the leader or not. */
_Atomic bool membership_flags[HINT_FLAGS];

static void leave_family(void)
{
	struct hints *page = atomic_exchange(&own.page, NULL);

	if (page)
		raw_unmap(page, HINTS_SIZE);
}

void membership_forked(const struct membership_start *start)
{
	if (start->had_no_page_to_share) {
		leave_family();
		atomic_store(&own.page, start->page);
	}
	own.is_first = start->page != NULL;
	own.has_connection = start->has_connection;
	atomic_store(&own.entry, start->entry);
	atomic_store(&own.is_joined, false);
	atomic_store(&own.connections, 0);
	/* A child relies on what its parent relies on, and has not done what its parent has. */
	atomic_store(&membership_flags[HINT_WAITS], false);
	atomic_store(&membership_flags[HINT_MOVES], false);
}

int membership_reserve(void)
{
	struct hints *page = atomic_load(&own.page);

	return page ? hints_reserve(page) : -1;
}

void membership_unreserve(int entry)
{
	hints_leave(atomic_load(&own.page), entry);
}

static int take_entry(struct hints *page)
{
	int entry = atomic_load(&own.entry);

	if (entry >= 0)
		hints_settle(page, entry, generation.pid);
	else
		entry = hints_take(page, generation.pid, own.is_first);
	atomic_store(&own.entry, entry);
	return entry;
}

void membership_join(enum member_kind kind)
{
	struct hints *page = atomic_load(&own.page);
	const bool has_connection = own.has_connection || kind == MEMBER_CONNECTION;

	if (!page)
		return;
	if (kind == MEMBER_CONNECTION && own.is_first && own.has_connection &&
	    atomic_load(&own.entry) < 0) {
		/* The leader knows it without a word. */
		atomic_store(&own.is_silent, true);
	} else {
		const int entry = take_entry(page);

		if (entry < 0)
			return;
		hints_join(page, entry, kind, has_connection);
		atomic_store(&own.is_silent, false);
	}
	atomic_store(&own.connections, has_connection);
	atomic_store(&own.is_joined, true);
}

bool membership_is_joined(void)
{
	return atomic_load(&own.is_joined);
}

void membership_leave(bool lives_on)
{
	struct hints *page = atomic_load(&own.page);

	if (!atomic_exchange(&own.is_joined, false) || !page)
		return;
	if (lives_on || !atomic_load(&own.is_silent)) {
		const int entry = take_entry(page);

		if (entry >= 0)
			hints_leave(page, entry);
	}
	if (!sandbox_is_tight())
		doorbell_ring();
}

void membership_report(const struct hint_report *report)
{
	struct hints *page = atomic_load(&own.page);
	const int entry = page && membership_is_joined() ? take_entry(page) : -1;

	atomic_store(&own.connections, report->connections);
	if (entry < 0)
		return;
	if (atomic_exchange(&own.is_silent, false))
		hints_join(page, entry, MEMBER_CONNECTION, own.has_connection);
	if (hints_report(page, entry, report))
		doorbell_ring();
}

uint32_t membership_connections(void)
{
	return atomic_load(&own.connections);
}

void membership_note(enum hint_flag flag)
{
	struct hints *page = atomic_load(&own.page);

	if (atomic_load(&membership_flags[flag]) || atomic_exchange(&membership_flags[flag], true))
		return;
	if (page)
		hints_set_flag(page, flag);
	else if (doorbell && !(news_is_own() && generation_is_of_this_process()))
		atomic_fetch_or(&doorbell->flags, 1u << flag);
}

void membership_take_back(enum hint_flag flag)
{
	struct hints *page = atomic_load(&own.page);

	atomic_store(&membership_flags[flag], false);
	if (page)
		hints_clear_flag(page, flag);
	if (doorbell)
		atomic_fetch_and(&doorbell->flags, ~(1u << flag));
}
