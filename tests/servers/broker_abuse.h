/* SPDX-License-Identifier: MIT */
/* Owns how a hostile process abuses the broker of a birth: it holds connections open and says nothing, and
 * asks in every wrong way, again and again. Nothing here may ever get a descriptor. */
#ifndef TESTS_SERVERS_BROKER_ABUSE_H
#define TESTS_SERVERS_BROKER_ABUSE_H

#include <stdbool.h>
#include <sys/types.h>

/* BOSS is the process that has started this one: its birth is meant, and the next one that it begins.
 * IS_MEMBER: this process might get what it asks for, so it does not ask as it should. LINGERS: it passes
 * sockets whose close sleeps. */
void broker_abuse_begin(pid_t boss, bool is_member, bool lingers);

/* One round. Returns false if there is no broker. */
bool broker_abuse(void);

/* Prints `hostile PID asked N`. */
void broker_abuse_tell(void);

#endif
