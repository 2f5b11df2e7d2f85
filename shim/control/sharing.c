/* SPDX-License-Identifier: MIT */
#include "control/sharing.h"

#include <stdatomic.h>

#include "generation/generation.h"
#include "generation/news.h"

void sharing_begin(void)
{
	/* From now on a process of either generation may unblock a listener that is the server's to
	 * block. */
	atomic_store(&news_own()->has_unblocked, 1);
	atomic_store(&news_own()->successor_may_accept, 1);
}

/* An unblocked listener stays so, because a thread may just be about to accept. */
void sharing_end(void)
{
	atomic_store(&news_own()->successor_may_accept, atomic_load(&generation.successor) != NULL);
}
