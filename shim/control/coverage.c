/* SPDX-License-Identifier: MIT */
#include "control/coverage.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/text.h"
#include "generation/generation.h"
#include "kernel/address.h"
#include "kernel/sandbox.h"
#include "kernel/socket_identity.h"
#include "kernel/waiters.h"
#include "upgrade/inheritance.h"
#include "upgrade/received.h"

#define FIRST_LOOK_MS 10
#define SHORT_LOOK_MS 100

static struct {
	/* by index in the manifest */
	_Atomic uint64_t waited_on[GENERATION_LISTENERS / 64];
	_Atomic bool is_hinted;
	/* The controller's. The time between the last look and the next one, which is due at next. */
	int64_t gap, next;
} coverage;

static bool is_waited_on(uint32_t index)
{
	return atomic_load(&coverage.waited_on[index / 64]) >> (index % 64) & 1;
}

bool coverage_is_awaited(void)
{
	return received_listeners() > 0 && generation_is_being_born();
}

bool coverage_note(int fd)
{
	const int saved = errno;
	const bool may_ask = coverage_is_awaited() && !sandbox_is_tight();
	const uint64_t identity = may_ask ? socket_identity(fd) : 0;
	bool is_new = false;

	for (uint32_t i = 0; identity && i < received_listeners(); i++) {
		const uint64_t bit = 1ULL << (i % 64);

		if (received_listener(i)->identity == identity)
			is_new |= !(atomic_fetch_or(&coverage.waited_on[i / 64], bit) & bit);
	}
	errno = saved;
	return is_new;
}

/* In a tight sandbox nobody may ask what a thread waits on. And what another listener has replaced, nobody
 * waits on. */
static bool is_missing(uint32_t index, bool others_wait)
{
	const bool is_believed =
		others_wait || sandbox_is_tight() || inheritance_is_replaced(index);

	return generation_is_being_born() && atomic_load(&generation.birth) &&
	       (!inheritance_is_claimed(index) || !(is_believed || is_waited_on(index)));
}

bool coverage_is_whole(bool others_wait)
{
	/* Nobody serves meanwhile what lacks. */
	if (!generation_predecessor_serves())
		return true;
	for (uint32_t i = 0; i < received_listeners(); i++) {
		if (is_missing(i, others_wait))
			return false;
	}
	return true;
}

void coverage_list_missing(bool others_wait, char *buffer, size_t size)
{
	unsigned more = 0;
	char item[160];

	buffer[0] = '\0';
	for (uint32_t i = 0; i < received_listeners(); i++) {
		const struct inherited_listener *listener = received_listener(i);

		if (!is_missing(i, others_wait))
			continue;
		address_format(item, sizeof(item), (const void *)&listener->address,
		               listener->address_length);
		/* Room for the last item is kept. */
		if (more > 0 || !text_list(buffer, size - sizeof(", 512 more"), item))
			more++;
	}
	text_format(item, sizeof(item), "%u more", more);
	if (more > 0)
		(void)text_list(buffer, size, item);
}

struct look {
	bool is_found, is_news;
};

static void note_waiter(int fd, void *context)
{
	struct look *look = context;

	look->is_found = true;
	look->is_news |= coverage_note(fd);
}

bool coverage_look(int at_least, bool *is_news)
{
	struct look look = {false, false};

	if (sandbox_is_tight() || sandbox_deadly_for_controller(SANDBOX_CONTROLLER | SANDBOX_FILES))
		return false;
	(void)waiters_each_listener(at_least, note_waiter, &look);
	*is_news |= look.is_news;
	return look.is_found;
}

void coverage_hint(void)
{
	atomic_store(&coverage.is_hinted, true);
}

int64_t coverage_next_look(int64_t now, bool is_short)
{
	if (atomic_exchange(&coverage.is_hinted, false) || !coverage.gap) {
		coverage.gap = FIRST_LOOK_MS;
		coverage.next = now;
	} else if (now >= coverage.next) {
		coverage.gap *= 2;
	}
	if (is_short && coverage.gap > SHORT_LOOK_MS)
		coverage.gap = SHORT_LOOK_MS;
	if (now < coverage.next)
		return coverage.next - now;
	coverage.next = now + coverage.gap;
	return 0;
}

void coverage_forked(void)
{
	for (int i = 0; i < GENERATION_LISTENERS / 64; i++)
		atomic_store(&coverage.waited_on[i], 0);
	coverage.gap = 0;
}
