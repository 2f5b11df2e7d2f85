/* SPDX-License-Identifier: MIT */
#include "generation/hints.h"

#include <errno.h>
#include <stdatomic.h>

#include "kernel/process.h"

enum entry_state {
	ENTRY_FREE, /* silent, if it is the first one's */
	ENTRY_RESERVED,
	ENTRY_WORKER,
	ENTRY_CONNECTION,
	ENTRY_LEFT, /* of the first one: it exits, or has executed another program */
};

struct entry {
	_Atomic uint32_t state;
	_Atomic int32_t pid;
	_Atomic uint32_t has_stopped_accepting;
	_Atomic uint32_t connections, idle;
	_Atomic uint32_t peer_count;
	struct hint_peer peers[HINT_PEERS];
};

#define ENTRIES 127

struct hints {
	_Atomic uint32_t flags[HINT_FLAGS];
	_Atomic uint32_t
		last; /* no entry behind this one has been used: to look there costs memory */
	struct entry entries[ENTRIES];
};
_Static_assert(sizeof(struct hints) <= HINTS_SIZE, "a page has room");

static uint32_t bounded(uint32_t number, uint32_t most)
{
	return number < most ? number : most;
}

/* How many entries are worth a look. */
static int entries_of(const struct hints *page)
{
	return 1 + (int)bounded(atomic_load(&page->last), ENTRIES - 1);
}

static bool is_taken(const struct entry *entry)
{
	const uint32_t state = atomic_load(&entry->state);

	return state == ENTRY_RESERVED || state == ENTRY_WORKER || state == ENTRY_CONNECTION;
}

/* The answer decides only whether the entry is counted, and until the drain's deadline at most. */
static bool may_be_alive(const struct entry *entry)
{
	const int32_t pid = atomic_load(&entry->pid);
	struct process_stat stat;
	int error;

	if (!is_taken(entry))
		return false;
	if (atomic_load(&entry->state) == ENTRY_RESERVED)
		return true;
	if (pid <= 0)
		return false;
	error = process_read_stat(pid, &stat);
	return error ? error != -ENOENT : stat.state != 'Z' && stat.state != 'X';
}

static void note_last(struct hints *page, uint32_t entry)
{
	uint32_t last = atomic_load(&page->last);

	while (last < entry && !atomic_compare_exchange_strong(&page->last, &last, entry))
		;
}

static int take_free(struct hints *page, uint32_t state)
{
	for (int i = 1; i < ENTRIES; i++) {
		uint32_t present = atomic_load(&page->entries[i].state);

		if ((present == ENTRY_FREE || present == ENTRY_LEFT) &&
		    atomic_compare_exchange_strong(&page->entries[i].state, &present, state)) {
			note_last(page, (uint32_t)i);
			return i;
		}
	}
	return -1;
}

static int take(struct hints *page, uint32_t state)
{
	const int entry = take_free(page, state);

	if (entry >= 0)
		return entry;
	for (int i = 1; i < ENTRIES; i++) {
		if (!may_be_alive(&page->entries[i]))
			atomic_store(&page->entries[i].state, ENTRY_FREE);
	}
	return take_free(page, state);
}

int hints_take(struct hints *page, pid_t self, bool is_first)
{
	const int entry = is_first ? 0 : take(page, ENTRY_RESERVED);

	if (entry >= 0)
		hints_settle(page, entry, self);
	return entry;
}

int hints_reserve(struct hints *page)
{
	const int entry = take(page, ENTRY_RESERVED);

	if (entry >= 0)
		atomic_store(&page->entries[entry].connections, 1);
	return entry;
}

void hints_settle(struct hints *page, int entry, pid_t self)
{
	atomic_store(&page->entries[entry].pid, self);
}

void hints_join(struct hints *page, int entry, enum member_kind kind, bool has_connection)
{
	struct entry *own = &page->entries[entry];

	atomic_store(&own->has_stopped_accepting, 0);
	atomic_store(&own->idle, 0);
	atomic_store(&own->peer_count, 0);
	atomic_store(&own->connections, has_connection);
	atomic_store(&own->state, kind == MEMBER_WORKER ? ENTRY_WORKER : ENTRY_CONNECTION);
}

void hints_leave(struct hints *page, int entry)
{
	atomic_store(&page->entries[entry].connections, 0);
	atomic_store(&page->entries[entry].state, ENTRY_LEFT);
}

bool hints_report(struct hints *page, int entry, const struct hint_report *report)
{
	struct entry *own = &page->entries[entry];
	const uint32_t before =
		atomic_load(&own->connections) + !atomic_load(&own->has_stopped_accepting);

	if (atomic_load(&own->peer_count) == 0 && report->peer_count > 0) {
		for (uint32_t i = 0; i < report->peer_count && i < HINT_PEERS; i++)
			own->peers[i] = report->peers[i];
		atomic_store(&own->peer_count, report->peer_count);
	}
	/* In this order, so that the leader reads the stop only with a true number. */
	atomic_store(&own->idle, report->idle);
	atomic_store(&own->connections, report->connections);
	atomic_store(&own->has_stopped_accepting, 1);
	return report->connections != before;
}

void hints_set_flag(struct hints *page, enum hint_flag flag)
{
	atomic_store(&page->flags[flag], 1);
}

void hints_clear_flag(struct hints *page, enum hint_flag flag)
{
	atomic_store(&page->flags[flag], 0);
}

bool hints_has_flag(const struct hints *page, enum hint_flag flag)
{
	return atomic_load(&page->flags[flag]) != 0;
}

bool hints_claims(const struct hints *page, pid_t pid, bool as_worker)
{
	for (int i = 0; i < entries_of(page); i++) {
		const struct entry *entry = &page->entries[i];
		const uint32_t state = atomic_load(&entry->state);

		if (atomic_load(&entry->pid) == pid &&
		    (state == ENTRY_WORKER || (state == ENTRY_CONNECTION && !as_worker)))
			return true;
	}
	return false;
}

bool hints_is_silent(const struct hints *page)
{
	return atomic_load(&page->entries[0].state) == ENTRY_FREE;
}

bool hints_has_descendants(const struct hints *page)
{
	for (int i = 1; i < entries_of(page); i++) {
		if (is_taken(&page->entries[i]))
			return true;
	}
	return false;
}

bool hints_has_live_descendants(const struct hints *page)
{
	for (int i = 1; i < entries_of(page); i++) {
		if (may_be_alive(&page->entries[i]))
			return true;
	}
	return false;
}

static bool is_counted(const struct hints *page, int i, struct hint_first first)
{
	return i == 0 ? first.is_alive : may_be_alive(&page->entries[i]);
}

bool hints_may_accept(const struct hints *page, struct hint_first first)
{
	for (int i = 0; i < entries_of(page); i++) {
		const struct entry *entry = &page->entries[i];

		if (atomic_load(&entry->state) == ENTRY_WORKER &&
		    !atomic_load(&entry->has_stopped_accepting) && is_counted(page, i, first))
			return true;
	}
	return false;
}

static uint32_t connections_of(const struct hints *page, int i, struct hint_first first)
{
	const struct entry *entry = &page->entries[i];

	if (i == 0 && atomic_load(&entry->state) == ENTRY_FREE)
		return first.was_for_connection;
	return bounded(atomic_load(&entry->connections), HINTS_MOST_CONNECTIONS);
}

void hints_add(const struct hints *page, struct hint_first first, uint32_t *connections,
               uint32_t *idle)
{
	for (int i = 0; i < entries_of(page); i++) {
		const uint32_t count = connections_of(page, i, first);

		if (count == 0 || !is_counted(page, i, first))
			continue;
		*connections = bounded(*connections + count, HINTS_MOST_CONNECTIONS);
		*idle += bounded(atomic_load(&page->entries[i].idle), count);
		*idle = bounded(*idle, HINTS_MOST_CONNECTIONS);
	}
}

bool hints_each_peer(const struct hints *page,
                     bool (*visit)(const struct hint_peer *peer, void *context), void *context)
{
	for (int i = 0; i < entries_of(page); i++) {
		const struct entry *entry = &page->entries[i];
		const uint32_t count = bounded(atomic_load(&entry->peer_count), HINT_PEERS);

		for (uint32_t k = 0; k < count && atomic_load(&entry->connections); k++) {
			const struct hint_peer peer = entry->peers[k];

			if (!visit(&peer, context))
				return false;
		}
	}
	return true;
}
