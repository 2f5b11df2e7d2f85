/* SPDX-License-Identifier: MIT */
#include "kernel/peek.h"

#include <errno.h>
#include <pthread.h>

#include "base/clock.h"
#include "kernel/sandbox.h"

struct peeks peeks;

/* A peek takes microseconds, but its thread may be preempted meanwhile. */
#define PEEK_LIMIT_MS 100
#define PEEK_NS 10000

void peek_begin(void)
{
	atomic_fetch_add(&peeks.begun, 1);
}

void peek_end(void)
{
	atomic_fetch_add(&peeks.ended, 1);
}

void peek_forked(void)
{
	atomic_store(&peeks.ended, atomic_load(&peeks.begun));
}

void peek_await(void)
{
	const uint32_t begun = atomic_load(&peeks.begun);
	const int64_t end = clock_now_ms() + PEEK_LIMIT_MS;
	const int saved = errno;
	int cancel_state;

	if (sandbox_is_tight())
		return;

	/* dup2() is no cancellation point (pthreads(7)). */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	while ((int32_t)(atomic_load(&peeks.ended) - begun) < 0 && clock_now_ms() < end)
		(void)clock_sleep(PEEK_NS);
	(void)pthread_setcancelstate(cancel_state, NULL);
	errno = saved;
}
