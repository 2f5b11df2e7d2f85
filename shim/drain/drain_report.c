/* SPDX-License-Identifier: MIT */
#include "drain/drain_report.h"

#include <netinet/in.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "drain/passed.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "kernel/address.h"

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

/* For the whole generation. A child forked for one connection counts as one connection. */
struct drain_sum {
	uint32_t left, idle;
};

static struct drain_sum sum_up(const struct connections_scan *own)
{
	struct drain_sum sum = {(uint32_t)own->left, (uint32_t)own->idle};

	members_add_connections(&sum.left, &sum.idle);
	sum.left += passed_count();
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

#define PEERS_LENGTH 480

/* A unix client has no address, so its process id is logged. */
static void format_peer(const struct hint_peer *peer, char *buffer, size_t size)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = peer->port};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = peer->port};

	memcpy(&in.sin_addr, peer->address, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, peer->address, sizeof(in6.sin6_addr));
	if (peer->family == AF_INET)
		address_format(buffer, size, (const void *)&in, sizeof(in));
	else if (peer->family == AF_INET6)
		address_format(buffer, size, (const void *)&in6, sizeof(in6));
	else
		text_format(buffer, size, "process %u", peer->process);
}

static bool list_peer(const struct hint_peer *peer, void *context)
{
	char text[64];

	format_peer(peer, text, sizeof(text));
	return text_list(context, PEERS_LENGTH, text);
}

void drain_report_end(void)
{
	static const struct idle_graces never = {INT64_MAX, INT64_MAX, INT64_MAX};
	struct connections_scan own = {.left = 0};
	char peers[PEERS_LENGTH] = "";
	struct drain_sum sum;
	bool go_on = true;

	if (!connections_remain() && !members_have_connections() && passed_count() == 0)
		return;
	connections_scan(&never, &own);
	sum = sum_up(&own);
	if (sum.left == 0)
		return;
	for (uint32_t i = 0; i < own.peer_count && go_on; i++)
		go_on = list_peer(&own.peers[i], peers);
	if (go_on)
		members_each_peer(list_peer, peers);
	log_info("The drain ends with %u connection%s left%s%s.", sum.left,
	         sum.left == 1 ? "" : "s", peers[0] ? ", among them: " : "", peers);
}
