/* SPDX-License-Identifier: MIT */
#include "drain/drain_report.h"

#include <stdatomic.h>

#include "base/log.h"
#include "base/text.h"
#include "generation/generation.h"
#include "generation/members.h"

#define EVERY_MS 1000

/* The controller's own. */
static struct {
	int64_t deadline;
	int64_t next;
} drain_report;

void drain_report_begin(int64_t begun, int64_t deadline)
{
	drain_report.deadline = deadline;
	drain_report.next = begun + EVERY_MS;
}

bool drain_report_members_have_connections(void)
{
	for (int i = 0; i < GENERATION_MEMBERS; i++) {
		struct member *member = &generation.page->members[i];

		if (atomic_load(&member->pid) && atomic_load(&member->connections) &&
		    member_is_live(member))
			return true;
	}
	return false;
}

/* For the whole generation. A child forked for one connection counts as one connection. */
struct drain_sum {
	uint32_t left, idle;
};

static struct drain_sum sum_up(const struct connections_scan *own)
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

void drain_report_progress(const struct connections_scan *own, int64_t now)
{
	const int64_t to_go = drain_report.deadline > now ? drain_report.deadline - now : 0;
	struct drain_sum sum;

	if (now < drain_report.next)
		return;
	drain_report.next = now + EVERY_MS;
	sum = sum_up(own);
	log_info("Draining: %u connection%s left (%u idle), %ld.%ld s to go.", sum.left,
	         sum.left == 1 ? "" : "s", sum.idle, (long)(to_go / 1000),
	         (long)(to_go % 1000 / 100));
}

void drain_report_end(void)
{
	static const struct idle_graces never = {INT64_MAX, INT64_MAX, INT64_MAX};
	struct connections_scan own = {.left = 0};
	char peers[3 * CONNECTIONS_PEERS] = "";
	struct drain_sum sum;
	bool go_on;

	if (!connections_remain() && !drain_report_members_have_connections())
		return;
	connections_scan(&never, &own);
	sum = sum_up(&own);
	if (sum.left == 0)
		return;
	go_on = text_list(peers, sizeof(peers), own.peers);
	for (int i = 0; i < GENERATION_MEMBERS && go_on; i++) {
		const struct member *member = &generation.page->members[i];

		if (atomic_load(&member->pid) && atomic_load(&member->connections) &&
		    atomic_load(&member->has_peers))
			go_on = text_list(peers, sizeof(peers), member->peers);
	}
	log_info("The drain ends with %u connection%s left%s%s.", sum.left,
	         sum.left == 1 ? "" : "s", peers[0] ? ", among them: " : "", peers);
}
