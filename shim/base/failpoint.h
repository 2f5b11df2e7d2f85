/* SPDX-License-Identifier: MIT */
/* Owns the failpoints: named steps of the code at which a test makes the process fail. The shipped
 * library has none. In the build for fault tests (-DOCTOPUS_FAILPOINTS) each failpoint searches the
 * file that OCTOPUS_FAILPOINTS names for a line `GENERATION STEP ACTION`. ACTION is one of these:
 * - kill: the process kills itself (SIGKILL);
 * - stop: the process stops itself (SIGSTOP) until the test continues it;
 * - a number: the step fails with that errno.
 * So a death or a shortage comes at an exact place, and no test waits for a lucky moment. */
#ifndef OCTOPUS_FAILPOINT_H
#define OCTOPUS_FAILPOINT_H

#include <stdint.h>

#ifdef OCTOPUS_FAILPOINTS
/* Sets the file that holds the plan; NULL means none. PLAN stays the caller's and is not copied.
 * Context: init. */
void failpoint_begin(const char *plan);

/* From now on this process is in generation NUMBER; before the first call it is in generation 1.
 * Context: any. */
void failpoint_set_generation(uint32_t number);

/* Returns 0, or the -errno that the test wants. Context: any. */
int failpoint(const char *name);
#else
static inline void failpoint_begin(const char *plan)
{
	(void)plan;
}
static inline void failpoint_set_generation(uint32_t number)
{
	(void)number;
}
static inline int failpoint(const char *name)
{
	(void)name;
	return 0;
}
#endif

#endif
