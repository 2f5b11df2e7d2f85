/* SPDX-License-Identifier: MIT */
/* How long a version settles, and how closely a thread's waits are looked at.
 * Links: control/settling.c control/probes.c
 */
#include <stdbool.h>

#include "control/probes.h"
#include "control/settling.h"
#include "expect.h"

#define MS 1000000LL

static void check_settling(void)
{
	struct settling settling = {.first_wait = 1000, .timeout = 5000, .ready_timeout = 30000};

	expect_number("nobody waits", (long)settling_end(&settling), 6000);
	settling.ready_until = 30500;
	expect_number("long before the end", (long)settling_end(&settling), 6000);
	settling.timeout = 30000;
	expect_number("as long as the predecessor waits", (long)settling_end(&settling), 29500);
	settling.timeout = 28500;
	expect_number("just before the end", (long)settling_end(&settling), 29500);
	settling.timeout = 28499;
	expect_number("just before that", (long)settling_end(&settling), 29499);
	settling.timeout = 30001;
	expect_number("longer than the predecessor waits", (long)settling_end(&settling), 31001);
	settling.timeout = settling.ready_timeout = 500;
	settling.ready_until = 1400;
	expect_number("an impatient predecessor", (long)settling_end(&settling), 1350);
	settling.timeout = 0;
	expect_number("no time", (long)settling_end(&settling), 1000);
}

static long count_looks(struct probes *probes, uint32_t round, int64_t *now_ns, int64_t step_ns,
                        long times, enum probe wanted)
{
	long count = 0;

	for (; times > 0; times--, *now_ns += step_ns)
		count += probes_next(probes, round, *now_ns) == wanted;
	return count;
}

static void check_probes(void)
{
	struct probes probes = {0};
	int64_t now = 0;

	expect_number("at first", count_looks(&probes, 1, &now, 0, 64, PROBE_ALL), 64);
	expect_number("then", count_looks(&probes, 1, &now, 0, 1000, PROBE_LIKELY), 1000);
	expect_number("new", count_looks(&probes, 2, &now, 0, 1000, PROBE_ALL), 64);
	expect_number("later", count_looks(&probes, 2, &now, 0, 10000, PROBE_NOTHING),
	              10000 - 3095);
	/* 100 ms after the last one, and then in twice the time. */
	now += 100 * MS;
	expect_number("after 100 ms", count_looks(&probes, 2, &now, 0, 10, PROBE_ALL), 1);
	now += 199 * MS;
	expect_number("199 ms later", count_looks(&probes, 2, &now, 0, 10, PROBE_ALL), 0);
	now += 1 * MS;
	expect_number("200 ms later", count_looks(&probes, 2, &now, 0, 10, PROBE_ALL), 1);
	expect_number("in a day, each ms", count_looks(&probes, 2, &now, MS, 86400000, PROBE_ALL),
	              17);
}

int main(void)
{
	check_settling();
	check_probes();
	return expect_status();
}
