/* SPDX-License-Identifier: MIT */
/* Owns the moment at which the server shuts itself into a sandbox (seccomp(2)). From then on the
 * library must not make a call for which the kernel kills the server. */
#ifndef OCTOPUS_ENTERING_H
#define OCTOPUS_ENTERING_H

#include <stdbool.h>

/* One call of the server's that may begin a sandbox. */
struct entering {
	bool is_for_this_process; /* not for a vfork child in its memory */
};

/* Bracket that call. HAS_BEGUN: it has succeeded, by the strict mode if PROGRAM is NULL, else by the
 * filter PROGRAM, a struct sock_fprog. IS_FOR_ALL: for all threads of the process. The second one
 * makes no system call. Both leave errno alone. Context: the server's threads. */
void entering_begin(struct entering *ret_entering);
void entering_end(const struct entering *entering, bool has_begun, const void *program,
                  bool is_for_all);

#endif
