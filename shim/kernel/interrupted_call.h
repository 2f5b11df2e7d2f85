/* SPDX-License-Identifier: MIT */
/* Owns the look at the system call that a signal handler has interrupted. Octopus's handlers have
 * SA_RESTART, so that a request disturbs no call of the server's. Where such a handler then runs a
 * handler of the server's that has no SA_RESTART, the call must fail with EINTR all the same. */
#ifndef OCTOPUS_INTERRUPTED_CALL_H
#define OCTOPUS_INTERRUPTED_CALL_H

#include <stdbool.h>

/* CONTEXT is the third argument of a handler that has SA_RESTART. Returns true if a system call
 * that was interrupted returns EINTR to the thread. RESTARTS is false for a handler without
 * SA_RESTART: a call that the kernel is about to enter again fails then.
 * Source: signal(7), "Interruption of system calls"; for the registers, handle_signal() in the
 * kernel's arch/x86/kernel/signal.c and do_signal() in arch/arm64/kernel/signal.c.
 * Context: any. */
bool interrupted_call_fails(void *context, bool restarts);

#endif
