/* SPDX-License-Identifier: MIT */
/* Wraps prctl, by which a process shuts itself into a sandbox (seccomp(2)), or asks for a signal at its
 * parent's death; wrap_syscall.c passes on what comes by number. */
#include "base/interpose.h"

#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "control/entering.h"
#include "generation/parent.h"

/* The kernel has checked the pointer, and does not know the signal. */
static void correct_death_signal(int *signal)
{
	const int remembered = parent_remembered_signal();

	if (remembered)
		*signal = remembered;
}

static int call_prctl(int option, const unsigned long *a)
{
	const int result = libc_calls.prctl(option, a[0], a[1], a[2], a[3]);

	if (option == PR_GET_PDEATHSIG && result == 0)
		correct_death_signal((int *)a[0]);
	return result;
}

/* Reads four arguments, although a caller may have passed fewer. The kernel ignores the others, but
 * where it wants them to be 0 the caller has to pass them (prctl(2)). */
EXPORT int prctl(int option, ...)
{
	struct entering entering;
	unsigned long a[4];
	va_list list;
	int result;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_PDEATHSIG)
		return parent_set_death_signal(a[0]);
	if (option != PR_SET_SECCOMP)
		return call_prctl(option, a);
	entering_begin(&entering);
	result = libc_calls.prctl(option, a[0], a[1], a[2], a[3]);
	entering_end(&entering, result == 0, a[0] == SECCOMP_MODE_STRICT ? NULL : (void *)a[1],
	             false);
	return result;
}
