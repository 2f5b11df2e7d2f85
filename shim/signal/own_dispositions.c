/* SPDX-License-Identifier: MIT */
#include "signal/own_dispositions.h"

#include <stdatomic.h>

#include "base/signal_set.h"

/* The server's own disposition of one signal. A handler may read it while another thread writes:
 * the writer fills the slot that is not current, then makes it current. */
struct own_disposition {
	struct sigaction slots[2];
	_Atomic int current;
};

static struct own_disposition store[SIGNAL_LAST + 1];

static __thread volatile bool has_interrupted;

struct sigaction own_disposition_of(int sig)
{
	struct own_disposition *own = &store[sig];

	return own->slots[atomic_load(&own->current)];
}

void own_disposition_remember(int sig, const struct sigaction *action)
{
	struct own_disposition *own = &store[sig];
	const int other = !atomic_load(&own->current);

	own->slots[other] = *action;
	/* The kernel, too, removes these two from a mask, so the server reads the same back. */
	sigdelset(&own->slots[other].sa_mask, SIGKILL);
	sigdelset(&own->slots[other].sa_mask, SIGSTOP);
	atomic_store(&own->current, other);
}

void own_disposition_note_interrupt(void)
{
	has_interrupted = true;
}

bool own_disposition_has_interrupted(void)
{
	const bool was_noted = has_interrupted;

	has_interrupted = false;
	return was_noted;
}
