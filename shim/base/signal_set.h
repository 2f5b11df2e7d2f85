/* SPDX-License-Identifier: MIT */
/* Sets of signals as the kernel has them: bit N-1 for signal N (sigset_t of rt_sigprocmask(2)). */
#ifndef OCTOPUS_SIGNAL_SET_H
#define OCTOPUS_SIGNAL_SET_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Linux has the signals 1 to 64 (signal(7)). */
#define SIGNAL_LAST 64

#define SIGNAL_BIT(sig) (1ULL << ((sig)-1))

#define FOR_EACH_SIGNAL(sig) for (int sig = 1; sig <= SIGNAL_LAST; sig++)

/* True if SIG is the number of a signal. Context: any. */
static inline bool signal_is_valid(int sig)
{
	return sig > 0 && sig <= SIGNAL_LAST;
}

/* True if SIG, a valid one, is in SET. Context: any. */
static inline bool signal_set_has(uint64_t set, int sig)
{
	return (set & SIGNAL_BIT(sig)) != 0;
}

/* The same set in the other form. Context: any. */
static inline sigset_t signal_set_to_sigset(uint64_t set)
{
	sigset_t sigset;

	sigemptyset(&sigset);
	FOR_EACH_SIGNAL (sig) {
		if (signal_set_has(set, sig))
			sigaddset(&sigset, sig);
	}
	return sigset;
}
static inline uint64_t signal_set_from_sigset(const sigset_t *sigset)
{
	uint64_t set = 0;

	FOR_EACH_SIGNAL (sig) {
		if (sigismember(sigset, sig) == 1)
			set |= SIGNAL_BIT(sig);
	}
	return set;
}

#endif
