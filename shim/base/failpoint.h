/* SPDX-License-Identifier: MIT */
/* Steps at which a test can strike: nothing at all in the library that is shipped; in the build for
 * fault tests (-DOCTOPUS_FAILPOINTS) each step looks into the file that OCTOPUS_FAILPOINTS names for
 * a line `GENERATION STEP ACTION`, where ACTION is
 *   kill   the process kills itself with SIGKILL;
 *   stop   it stops itself (SIGSTOP) until the test lets it go on;
 *   a number: the step fails with that errno.
 * So death and shortage come at an exact place, and no test waits for a lucky moment. */
#ifndef OCTOPUS_FAILPOINT_H
#define OCTOPUS_FAILPOINT_H

#include <stdint.h>

#ifdef OCTOPUS_FAILPOINTS
/* Names the plan's file; NULL: none. PLAN stays the caller's and is not copied. Context: init. */
void failpoint_begin(const char *plan);

/* Steps from now on are those of generation NUMBER; before the first call, of the first. Context: any. */
void failpoint_set_generation(uint32_t number);

/* Returns 0, or -errno as the test wants it. Context: any. */
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
