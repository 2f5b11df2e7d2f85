/* SPDX-License-Identifier: MIT */
/* Owns whether the program runs in secure-execution mode (ld.so(8)): it is setuid or setgid, or has
 * file capabilities, and so has powers that its caller has not. /etc/ld.so.preload brings the library
 * into such a program, too. There Octopus is not: no variable counts, because the caller has set it,
 * nothing is kept or opened, and a listen() is a listen(). */
#ifndef OCTOPUS_SECURE_MODE_H
#define OCTOPUS_SECURE_MODE_H

#include <stdbool.h>
#include <sys/auxv.h>

/* The kernel and its security modules decide at the execve (getauxval(3)); what the program does to
 * its user ids later changes nothing. No state is kept, because the constructors of other libraries
 * may listen before ours. Context: any. */
static inline bool secure_mode_is_on(void)
{
	return __builtin_expect(getauxval(AT_SECURE) != 0, 0);
}

#endif
