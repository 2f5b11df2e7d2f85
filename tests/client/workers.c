/* SPDX-License-Identifier: MIT */
#include "workers.h"

#include "exchange.h"
#include "stream.h"
#include "tally.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A thread needs a few KiB for its lines and some more for OpenSSL. */
enum { STACK_SIZE = 256 * 1024, FAILURE_PAUSE_MS = 1 };

static struct {
	const struct workers_plan *plan;
	pthread_t *threads;
	int stop_fd; /* readable once all have to stop */
	int done_fd; /* readable once all have ended */
	atomic_long started_requests;
	atomic_int answered_workers;
	atomic_int ended_workers;
} run;

static double now_in_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

/* Returns false when it is time to stop. */
static bool worker_pause(int ms)
{
	struct pollfd stop = {run.stop_fd, POLLIN, 0};

	return poll(&stop, 1, ms) <= 0;
}

static bool worker_may_go_on(void)
{
	long limit = run.plan->requests;

	if (!worker_pause(0))
		return false;
	return limit == -1 || atomic_fetch_add(&run.started_requests, 1) < limit;
}

/* As a client with a pool of connections does: one that was ended while it rested is not used
 * again. An end after the request was sent is another matter. */
static enum outcome drop_ended(struct stream *stream)
{
	enum outcome outcome = stream_check_open(stream);

	if (outcome == OUTCOME_OK)
		return OUTCOME_OK;
	stream_close(stream);
	if (outcome != OUTCOME_EOF)
		return outcome_on_reused(outcome);
	tally_add(OUTCOME_ENDED_IDLE, NULL, 0);
	return OUTCOME_OK;
}

/* Makes one request, on the connection at hand or a new one. */
static enum outcome worker_request(struct stream *stream, struct answer *ret_answer)
{
	const struct workers_plan *plan = run.plan;
	enum outcome outcome = OUTCOME_OK;

	if (plan->is_watching_rests && stream->fd != -1)
		outcome = drop_ended(stream);
	if (outcome == OUTCOME_OK && stream->fd == -1) {
		outcome = stream_connect(stream, &plan->target, plan->timeout_ms);
		if (outcome == OUTCOME_REFUSED && plan->is_until_refused)
			return OUTCOME_REFUSED_END;
	}
	if (outcome != OUTCOME_OK)
		return outcome;
	stream_set_timeout(stream, plan->timeout_ms);
	outcome = exchange_send(stream, &plan->target);
	if (outcome == OUTCOME_OK)
		outcome = exchange_receive(stream, &plan->target, ret_answer);
	if (outcome != OUTCOME_OK || !plan->target.is_kept || !ret_answer->is_kept)
		stream_close(stream);
	return outcome;
}

static void worker_loop(struct stream *stream)
{
	bool has_answer = false;

	while (worker_may_go_on()) {
		struct answer answer;
		double start = now_in_ms();
		enum outcome outcome = worker_request(stream, &answer);
		tally_add(outcome, &answer, now_in_ms() - start);
		if (outcome == OUTCOME_REFUSED_END)
			return;
		if (outcome == OUTCOME_OK && !has_answer) {
			has_answer = true;
			if (atomic_fetch_add(&run.answered_workers, 1) + 1 == run.plan->count) {
				puts("running");
				fflush(stdout);
			}
		}
		int pause_ms = outcome == OUTCOME_OK ? run.plan->pause_ms : FAILURE_PAUSE_MS;
		if (pause_ms && !worker_pause(pause_ms))
			return;
	}
}

static void *worker_run(void *unused)
{
	struct stream stream = {.fd = -1};
	const uint64_t one = 1;

	(void)unused;
	worker_loop(&stream);
	stream_close(&stream);
	if (atomic_fetch_add(&run.ended_workers, 1) + 1 == run.plan->count &&
	    write(run.done_fd, &one, sizeof(one)) == -1)
		perror("eventfd");
	return NULL;
}

int workers_start(const struct workers_plan *plan)
{
	pthread_attr_t attributes;

	run.plan = plan;
	run.stop_fd = eventfd(0, EFD_CLOEXEC);
	run.done_fd = eventfd(0, EFD_CLOEXEC);
	run.threads = calloc((size_t)plan->count, sizeof(*run.threads));
	if (run.stop_fd == -1 || run.done_fd == -1 || !run.threads)
		return -1;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	for (int i = 0; i < plan->count; i++) {
		if (pthread_create(&run.threads[i], &attributes, worker_run, NULL) != 0)
			return -1;
	}
	pthread_attr_destroy(&attributes);
	return run.done_fd;
}

void workers_stop(void)
{
	const uint64_t one = 1;

	if (write(run.stop_fd, &one, sizeof(one)) == -1)
		perror("eventfd");
	for (int i = 0; i < run.plan->count; i++)
		pthread_join(run.threads[i], NULL);
	free(run.threads);
}
