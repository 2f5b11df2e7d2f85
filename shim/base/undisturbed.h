/* SPDX-License-Identifier: MIT */
/* Owns a stretch of the library's work in a thread of the server's that must run to its end. No
 * pthread_cancel(3) ends the thread in it, although the work calls cancellation points
 * (pthreads(7)), and no handler interrupts it, which could leave it by siglongjmp(3). */
#ifndef OCTOPUS_UNDISTURBED_H
#define OCTOPUS_UNDISTURBED_H

#include <pthread.h>
#include <signal.h>

#include "base/raw_syscall.h"

struct undisturbed {
	uint64_t mask;
	int cancel_state;
};

/* These two bracket the work. A signal or a cancellation that comes meanwhile takes effect after
 * it. They leave errno alone. Context: any. */
static inline void undisturbed_begin(struct undisturbed *ret_before)
{
	const uint64_t all = ~0ULL;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ret_before->cancel_state);
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &ret_before->mask, sizeof(all));
}
static inline void undisturbed_end(const struct undisturbed *before)
{
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &before->mask, NULL, sizeof(before->mask));
	(void)pthread_setcancelstate(before->cancel_state, NULL);
}

#endif
