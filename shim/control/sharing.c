/* SPDX-License-Identifier: MIT */
#include "control/sharing.h"

#include <stdatomic.h>

#include "generation/generation.h"
#include "generation/members.h"
#include "generation/news.h"
#include "kernel/listeners.h"

void sharing_begin(void)
{
	int fds[GENERATION_LISTENERS];
	int count = 0;

	atomic_store(&news_own()->successor_may_accept, 1);
	/* From now on a worker may find a listener unblocked that is the server's to block. */
	atomic_store(&news_own()->has_unblocked, 1);
	if (members_say(HINT_POLLS))
		count = listeners_find(fds, GENERATION_LISTENERS);
	for (int i = 0; i < count; i++)
		(void)listeners_unblock(fds[i]);
}

/* An unblocked listener stays so, because a thread may just be about to accept. */
void sharing_end(void)
{
	atomic_store(&news_own()->successor_may_accept, atomic_load(&generation.successor) != NULL);
}
