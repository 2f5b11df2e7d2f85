/* SPDX-License-Identifier: MIT */
#include "base/failpoint.h"

#ifdef OCTOPUS_FAILPOINTS

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/raw_syscall.h"
#include "base/text.h"

static const char *plan_path;
static _Atomic uint32_t generation_number = 1;

void failpoint_begin(const char *plan)
{
	plan_path = plan;
}

void failpoint_set_generation(uint32_t number)
{
	atomic_store(&generation_number, number);
}

/* Raw system calls: the reaper comes by here too. */
static long read_plan(char *plan, long size)
{
	long fd, length;

	if (!plan_path)
		return 0;
	fd = RAW4(SYS_openat, AT_FDCWD, plan_path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	length = RAW3(SYS_read, fd, plan, size - 1);
	(void)RAW1(SYS_close, fd);
	return length > 0 ? length : 0;
}

static int act(const char *action)
{
	const long self = RAW0(SYS_getpid);
	uint64_t number;

	if (strncmp(action, "kill", 4) == 0)
		(void)RAW2(SYS_kill, self, SIGKILL);
	else if (strncmp(action, "stop", 4) == 0)
		/* To this thread: it stops at the return from this very call. */
		(void)RAW3(SYS_tgkill, self, RAW0(SYS_gettid), SIGSTOP);
	else if (text_read_number(&action, 10, &number) == 0)
		return -(int)number;
	return 0;
}

int failpoint(const char *name)
{
	char plan[1024], wanted[64];
	const size_t length = text_format(wanted, sizeof(wanted), "%u %s ",
	                                  atomic_load(&generation_number), name);
	char *line = plan;

	plan[read_plan(plan, sizeof(plan))] = '\0';
	for (; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (strncmp(line, wanted, length) == 0)
			return act(line + length);
	}
	return 0;
}

#endif
