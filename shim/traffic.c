/* SPDX-License-Identifier: MIT */
#include "traffic.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

/* More descriptors than a process uses; only the pages of those it does use become memory. */
#define MOST_ENTRIES (1 << 20)

struct traffic traffic;

uint32_t traffic_now_ms(void)
{
	struct timespec now;
	uint32_t ms;

	/* The coarse clock costs no system call, and a few ns. */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	ms = (uint32_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
	return ms ? ms : 1;
}

void traffic_begin(bool with_times)
{
	struct rlimit limit;
	void *memory;
	int count = MOST_ENTRIES;

	if (with_times)
		atomic_store(&traffic.has_times, true);
	if (traffic.entries)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < MOST_ENTRIES)
		count = (int)limit.rlim_max;
	memory = mmap(NULL, (size_t)count * sizeof(*traffic.entries), PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return;
	traffic.entries = memory;
	atomic_store(&traffic.count, count);
}
