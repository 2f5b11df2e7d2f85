/* SPDX-License-Identifier: MIT */
/* Owns the ways in which a server runs a command and reads what it prints. */
#ifndef TESTS_SERVERS_CHILD_H
#define TESTS_SERVERS_CHILD_H

#include <stddef.h>

/* Runs $CHILD_COMMAND (`true` when unset) with /bin/sh -c by way of VIA: system, popen, fork,
 * vfork or spawn. Returns its standard output, to be freed, or NULL. */
char *child_run(const char *via, size_t *ret_len);

#endif
