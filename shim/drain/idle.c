/* SPDX-License-Identifier: MIT */
#include "drain/idle.h"

/* The kernel counts these times in jiffies of 1 to 10 ms (CONFIG_HZ). */
#define TICK_MS 10

static bool is_busy(const struct idle_facts *facts)
{
	return facts->has_unread || facts->has_unsent || facts->last_io == IO_TUNNELED ||
	       facts->http == HTTP_UNDER_WAY || facts->http == HTTP_LOST ||
	       facts->received_ms == IDLE_UNKNOWN_MS || facts->sent_ms == IDLE_UNKNOWN_MS;
}

/* HTTP says so. */
static bool is_between(const struct idle_facts *facts)
{
	return facts->http == HTTP_BETWEEN || facts->http == HTTP_NO_STREAM;
}

/* True if the server sent last, or nothing has happened at all. */
static bool was_answered(const struct idle_facts *facts)
{
	if (is_between(facts) || facts->last_io == IO_SENT || !facts->has_received)
		return true;
	/* Within a tick it is unknown which came first. */
	return facts->last_io == IO_NONE && facts->sent_ms + TICK_MS < facts->received_ms;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Where HTTP does not say that a response is complete, a pause no longer than the response so far
 * may be a part of it. */
static int64_t wanted_ms(const struct idle_facts *facts, const struct idle_graces *graces)
{
	const int64_t response_ms = facts->received_ms - facts->sent_ms;

	/* The first request of a new connection may be on its way: a client that connects has
	 * something to say. And a client of HTTP/2 that was told is about to leave; one that has not been yet may be
	 * about to begin a stream. */
	if (facts->http == HTTP_NO_STREAM)
		return graces->first_ms;
	if (!facts->has_received)
		return response_ms > graces->first_ms ? response_ms : graces->first_ms;
	if (facts->http == HTTP_BETWEEN)
		return graces->http_ms;
	return response_ms > graces->other_ms ? response_ms : graces->other_ms;
}

int64_t idle_in_ms(const struct idle_facts *facts, const struct idle_graces *graces)
{
	const int64_t quiet_ms = smaller(facts->received_ms, facts->sent_ms);
	int64_t wanted;

	if (is_busy(facts))
		return INT64_MAX;
	if (facts->http == HTTP_CLOSE_ANNOUNCED)
		return 0;
	if (!was_answered(facts))
		return INT64_MAX;
	/* Bytes came after the answer, and a thread has read them: the server owes another
	 * answer. */
	if (!is_between(facts) && facts->has_received &&
	    facts->received_ms + TICK_MS < facts->sent_ms)
		return INT64_MAX;
	wanted = wanted_ms(facts, graces);
	return quiet_ms >= wanted ? 0 : wanted - quiet_ms;
}
