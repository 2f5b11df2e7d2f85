/* SPDX-License-Identifier: MIT */
#include "control/leading.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "base/failpoint.h"
#include "base/kept_fd.h"
#include "generation/birth.h"
#include "generation/children.h"
#include "generation/generation.h"
#include "generation/news.h"
#include "generation/outer.h"
#include "kernel/procfs.h"
#include "upgrade/adoption.h"
#include "upgrade/inheritance.h"

static bool is_taken(const struct birth *birth)
{
	const pid_t leader = atomic_load(&birth->leader);

	return leader > 0 && leader != generation.pid && !procfs_is_dead(leader);
}

/* A helper of the new version may have asked, too, but has bound nothing that is inherited. */
static bool is_given(void)
{
	return inheritance_was_given() || adoption_is_near();
}

/* A supervising program may start its server again after the first one has ended, in the same
 * birth. */
static void take_over_birth(struct birth *birth)
{
	atomic_store(&birth->is_ready, 0);
	atomic_store(&birth->leader, generation.pid);
	atomic_store(&news_own()->predecessor_holds, atomic_load(&birth->predecessor_holds));
}

/* Its master leads the generation, and takes the birth over. */
static int lead_branch(void)
{
	const struct birth *birth = atomic_load(&generation.birth);
	const int error = children_lead();

	kept_fd_drop_all();
	if (error)
		return error;
	atomic_store(&news_own()->predecessor_holds,
	             birth && atomic_load(&birth->predecessor_holds));
	atomic_store(&news_own()->leader, generation.pid);
	return 0;
}

void leading_take_kept(void)
{
	const struct birth *birth;

	if (generation.is_branch)
		return;
	(void)inheritance_join();
	birth = atomic_load(&generation.birth);
	if (birth && !is_taken(birth) && is_given())
		inheritance_take_kept();
}

int leading_begin(void)
{
	struct birth *birth;
	int error;

	if (generation.is_branch)
		return lead_branch();
	(void)inheritance_join();
	birth = atomic_load(&generation.birth);
	/* A second server under the same start command gets a generation of its own, and so does a helper. */
	if (birth && (is_taken(birth) || !is_given())) {
		generation_leave_birth();
		generation.lineage = (struct lineage){0};
		birth = NULL;
	}
	if (!generation.lineage.predecessor.pid)
		generation.lineage.outer = outer_find();
	if (!generation.lineage.number)
		generation.lineage.number = 1;
	error = children_lead();
	if (error)
		return error;
	failpoint_set_generation(generation.lineage.number);
	if (birth)
		take_over_birth(birth);
	atomic_store(&news_own()->leader, generation.pid);
	return 0;
}
