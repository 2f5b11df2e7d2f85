/* SPDX-License-Identifier: MIT */
#include "kernel/credentials.h"

#include <stdatomic.h>

#include "base/raw_syscall.h"

/* More groups than that are left out: the thread then may do less than the server. */
#define MOST_GROUPS 1024

/* The thread that changes them writes it, before it counts. */
static struct {
	_Atomic unsigned changes, followed;
	struct user_ids users;
	gid_t real, effective, saved;
	gid_t groups[MOST_GROUPS];
	long group_count;
} noted;

struct user_ids credentials_users(void)
{
	struct user_ids users = {0};

	(void)RAW3(SYS_getresuid, &users.real, &users.effective, &users.saved);
	return users;
}

bool credentials_have_root(const struct user_ids *users)
{
	return users->real == 0 || users->effective == 0 || users->saved == 0;
}

void credentials_note(void)
{
	noted.users = credentials_users();
	(void)RAW3(SYS_getresgid, &noted.real, &noted.effective, &noted.saved);
	/* EINVAL: there are more. */
	noted.group_count = RAW2(SYS_getgroups, MOST_GROUPS, noted.groups);
	if (noted.group_count < 0)
		noted.group_count = 0;
	atomic_fetch_add(&noted.changes, 1);
}

bool credentials_are_awaited(void)
{
	return atomic_load(&noted.followed) != atomic_load(&noted.changes);
}

/* Each by a call of its own to the kernel: libc's would change all threads. */
void credentials_follow(void)
{
	const unsigned changes = atomic_load(&noted.changes);
	struct user_ids own;

	if (!credentials_are_awaited())
		return;
	own = credentials_users();
	if (credentials_have_root(&own)) {
		(void)RAW2(SYS_setgroups, noted.group_count, noted.groups);
		(void)RAW3(SYS_setresgid, noted.real, noted.effective, noted.saved);
		(void)RAW3(SYS_setresuid, noted.users.real, noted.users.effective,
		           noted.users.saved);
	}
	atomic_store(&noted.followed, changes);
}
