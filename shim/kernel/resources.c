/* SPDX-License-Identifier: MIT */
#include "kernel/resources.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "base/raw_syscall.h"
#include "base/text.h"

#define SCHED_DEADLINE_POLICY 6
#define IO_PRIORITY_PROCESS 1 /* IOPRIO_WHO_PROCESS (ioprio_set(2)) */
#define OOM_SCORE_FILE "/proc/self/oom_score_adj"

static void read_scheduling(struct scheduling *scheduling)
{
	*scheduling = (struct scheduling){.size = sizeof(*scheduling)};
	if (RAW4(SYS_sched_getattr, 0, scheduling, sizeof(*scheduling), 0) < 0)
		scheduling->size = 0;
	else
		scheduling->size = sizeof(*scheduling);
	/* Linux 6.12 shows the slice of an ordinary thread here; who sets it fixes it. */
	if (scheduling->policy != SCHED_DEADLINE_POLICY)
		scheduling->runtime = 0;
}

static int read_cpus(uint64_t *ret_cpus)
{
	const long bytes = RAW3(SYS_sched_getaffinity, 0, RESOURCE_CPUS / 8,
	                        memset(ret_cpus, 0, RESOURCE_CPUS / 8));

	return bytes > 0 ? (int)bytes : 0;
}

void resources_read(struct resources *ret_resources, bool with_scheduling)
{
	*ret_resources = (struct resources){.io_priority = -1};
	for (int i = 0; i < RESOURCE_LIMITS; i++) {
		if (RAW4(SYS_prlimit64, 0, i, NULL, &ret_resources->limits[i]) == 0)
			ret_resources->known_limits |= 1U << i;
	}
	if (!with_scheduling)
		return;
	read_scheduling(&ret_resources->scheduling);
	ret_resources->cpu_bytes = read_cpus(ret_resources->cpus);
	ret_resources->io_priority = (int)RAW2(SYS_ioprio_get, IO_PRIORITY_PROCESS, 0);
}

static void set_limit(int number, const struct resource_limit *wanted)
{
	struct resource_limit now = {0, 0};

	if (RAW4(SYS_prlimit64, 0, number, NULL, &now) != 0 ||
	    (now.soft == wanted->soft && now.hard == wanted->hard) ||
	    RAW4(SYS_prlimit64, 0, number, wanted, NULL) == 0)
		return;
	now.soft = wanted->soft < now.hard ? wanted->soft : now.hard;
	(void)RAW4(SYS_prlimit64, 0, number, &now, NULL);
}

static void set_scheduling(const struct scheduling *wanted)
{
	struct scheduling now;

	if (!wanted->size)
		return;
	read_scheduling(&now);
	if (now.size && memcmp(&now, wanted, sizeof(now)) != 0)
		(void)RAW3(SYS_sched_setattr, 0, wanted, 0);
}

static void set_cpus(const struct resources *wanted)
{
	uint64_t now[RESOURCE_CPUS / 64];

	if (wanted->cpu_bytes && read_cpus(now) && memcmp(now, wanted->cpus, sizeof(now)) != 0)
		(void)RAW3(SYS_sched_setaffinity, 0, wanted->cpu_bytes, wanted->cpus);
}

void resources_set(const struct resources *resources)
{
	set_cpus(resources);
	set_scheduling(&resources->scheduling);
	/* Without a priority of its own a process has one that follows from its niceness. */
	if (resources->io_priority >= 0 &&
	    RAW2(SYS_ioprio_get, IO_PRIORITY_PROCESS, 0) != resources->io_priority)
		(void)RAW3(SYS_ioprio_set, IO_PRIORITY_PROCESS, 0, resources->io_priority);
	/* Last: a limit may forbid the others. */
	for (int i = 0; i < RESOURCE_LIMITS; i++) {
		if (resources->known_limits >> i & 1)
			set_limit(i, &resources->limits[i]);
	}
}

void resources_open_fd_limit(void)
{
	struct resource_limit limit = {0, 0};

	if (RAW4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) != 0 || limit.soft == limit.hard)
		return;
	limit.soft = limit.hard;
	(void)RAW4(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
}

/* Reads and closes. Returns the score, or OOM_SCORE_UNKNOWN. */
static int read_score(int fd)
{
	char text[16] = "";
	const char *at = text;
	uint64_t score;
	const long length = RAW3(SYS_read, fd, text, sizeof(text) - 1);

	(void)RAW1(SYS_close, fd);
	at += *at == '-';
	if (length <= 0 || text_read_number(&at, 10, &score) != 0 || score > 1000)
		return OOM_SCORE_UNKNOWN;
	return text[0] == '-' ? -(int)score : (int)score;
}

int oom_score_read(void)
{
	const long fd = RAW4(SYS_openat, AT_FDCWD, OOM_SCORE_FILE, O_RDONLY | O_CLOEXEC, 0);

	return fd < 0 ? OOM_SCORE_UNKNOWN : read_score((int)fd);
}

void oom_score_set(int score)
{
	char text[16];
	long fd;

	if (score == OOM_SCORE_UNKNOWN || oom_score_read() == score)
		return;
	fd = RAW4(SYS_openat, AT_FDCWD, OOM_SCORE_FILE, O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	text_format(text, sizeof(text), "%d", score);
	(void)RAW3(SYS_write, fd, text, strlen(text));
	(void)RAW1(SYS_close, fd);
}
