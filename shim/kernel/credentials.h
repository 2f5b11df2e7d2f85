/* SPDX-License-Identifier: MIT */
/* Owns the user and the groups of the controller's thread. To the kernel they belong to a thread, and
 * libc changes those of each thread that it knows (credentials(7), setuid(2)). It does not know
 * this one, which would stay root. */
#ifndef OCTOPUS_CREDENTIALS_H
#define OCTOPUS_CREDENTIALS_H

#include <stdbool.h>
#include <sys/types.h>

struct user_ids {
	uid_t real, effective, saved;
};

/* Those of the calling thread. Context: any. */
struct user_ids credentials_users(void);

/* True if one of them is root. Context: any. */
bool credentials_have_root(const struct user_ids *users);

/* The thread that calls has new ones, which the controller's thread is to take over.
 * Context: normal. */
void credentials_note(void);

/* In the controller's thread: takes over what was noted, if it has not yet. Without root it can only
 * be that it began with them. Context: the controller. */
void credentials_follow(void);

/* True if the thread has still to do so. Context: any. */
bool credentials_are_awaited(void);

#endif
