/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct server {
	char version[48];
	long pid;
	long count;
};

static struct {
	pthread_mutex_t lock;
	long counts[OUTCOME_COUNT];
	struct server *servers;
	size_t server_count;
	float *latencies;
	size_t latency_count;
	size_t latency_room;
} tally = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *grow(void *array, size_t count, size_t size)
{
	void *larger = reallocarray(array, count, size);

	if (!larger) {
		perror("realloc");
		abort();
	}
	return larger;
}

static void server_add_answer(const struct answer *answer)
{
	for (size_t i = tally.server_count; i-- > 0;) {
		struct server *server = &tally.servers[i];
		if (server->pid == answer->pid && strcmp(server->version, answer->version) == 0) {
			server->count++;
			return;
		}
	}
	tally.servers = grow(tally.servers, tally.server_count + 1, sizeof(*tally.servers));
	struct server *server = &tally.servers[tally.server_count++];
	memcpy(server->version, answer->version, sizeof(server->version));
	server->pid = answer->pid;
	server->count = 1;
	printf("first %s %ld\n", server->version, server->pid);
	fflush(stdout);
}

static void latency_add(double ms)
{
	if (tally.latency_count == tally.latency_room) {
		tally.latency_room = tally.latency_room ? tally.latency_room * 2 : 4096;
		tally.latencies =
			grow(tally.latencies, tally.latency_room, sizeof(*tally.latencies));
	}
	tally.latencies[tally.latency_count++] = (float)ms;
}

void tally_add(enum outcome outcome, const struct answer *answer, double latency_ms)
{
	pthread_mutex_lock(&tally.lock);
	tally.counts[outcome]++;
	if (outcome == OUTCOME_OK) {
		server_add_answer(answer);
		latency_add(latency_ms);
	}
	pthread_mutex_unlock(&tally.lock);
}

long tally_count(enum outcome outcome)
{
	pthread_mutex_lock(&tally.lock);
	long count = tally.counts[outcome];
	pthread_mutex_unlock(&tally.lock);
	return count;
}

long tally_failures(void)
{
	long failures = 0;

	for (int i = 0; i < OUTCOME_COUNT; i++) {
		if (outcome_is_failure((enum outcome)i))
			failures += tally_count((enum outcome)i);
	}
	return failures;
}

long tally_requests(void)
{
	return tally_failures() + tally_count(OUTCOME_OK);
}

void tally_print_counts(void)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		printf("%s %ld\n", outcome_name((enum outcome)i), tally_count((enum outcome)i));
}

static int compare_floats(const void *left, const void *right)
{
	float l = *(const float *)left;
	float r = *(const float *)right;

	return (l > r) - (l < r);
}

/* The latency that PERCENT of the requests did not exceed. */
static double latency_at(size_t percent)
{
	size_t count = tally.latency_count;

	if (count == 0)
		return 0;
	size_t rank = (count * percent + 99) / 100;
	return tally.latencies[rank ? rank - 1 : 0];
}

void tally_print_latencies(void)
{
	pthread_mutex_lock(&tally.lock);
	if (tally.latency_count)
		qsort(tally.latencies, tally.latency_count, sizeof(*tally.latencies),
		      compare_floats);
	printf("latency_ms p50=%.2f p99=%.2f max=%.2f\n", latency_at(50), latency_at(99),
	       latency_at(100));
	pthread_mutex_unlock(&tally.lock);
}

void tally_print_answered(void)
{
	pthread_mutex_lock(&tally.lock);
	for (size_t i = 0; i < tally.server_count; i++)
		printf("answered %s %ld %ld\n", tally.servers[i].version, tally.servers[i].pid,
		       tally.servers[i].count);
	pthread_mutex_unlock(&tally.lock);
}
