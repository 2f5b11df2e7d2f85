/* SPDX-License-Identifier: MIT */
/* Owns the resources of a process: its limits, its scheduling and its OOM score. They are read here,
 * and set again in a successor. It makes raw system calls only, because the successor still borrows
 * its predecessor's memory. */
#ifndef OCTOPUS_RESOURCES_H
#define OCTOPUS_RESOURCES_H

#include <stdbool.h>
#include <stdint.h>

#define RESOURCE_LIMITS 16 /* RLIM_NLIMITS of Linux (getrlimit(2)) */
#define RESOURCE_CPUS 8192 /* the most that the kernel can be built for (NR_CPUS) */

struct resource_limit {
	uint64_t soft, hard;
};

/* The kernel's struct sched_attr, in its first version (sched_setattr(2)). */
struct scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

struct resources {
	struct resource_limit limits[RESOURCE_LIMITS];
	uint32_t known_limits;        /* one bit for each that could be read */
	struct scheduling scheduling; /* size 0: unknown */
	uint64_t cpus[RESOURCE_CPUS / 64];
	int cpu_bytes;   /* how much of cpus the kernel has written; 0: unknown */
	int io_priority; /* as ioprio_get(2) has it; negative: unknown */
};

/* Reads the limits of this process; with WITH_SCHEDULING also the scheduling of this thread, by calls
 * that few programs make. What is not read stays unknown. Context: any. */
void resources_read(struct resources *ret_resources, bool with_scheduling);

/* Gives this process, which has one thread, RESOURCES. It sets only what differs, and what is not
 * permitted stays as it is: to raise a hard limit or a priority needs a privilege. A soft limit then
 * comes as near as the hard one allows. Context: any. */
void resources_set(const struct resources *resources);

/* Raises the soft limit of descriptors to the hard one. Context: any. */
void resources_open_fd_limit(void);

/* What has no OOM score: a process without /proc. */
#define OOM_SCORE_UNKNOWN (-10000)

/* Returns /proc/self/oom_score_adj (proc(5)), or OOM_SCORE_UNKNOWN. Context: any. */
int oom_score_read(void);

/* Sets it if it is another one; without a privilege it can only grow. Context: any. */
void oom_score_set(int score);

#endif
