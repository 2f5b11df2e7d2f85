/* SPDX-License-Identifier: MIT */
/* Wraps setuid and its kin, by which a server gives up root, and chroot. A change of the effective user
 * alone (seteuid) can be undone, and is the server's own affair. */
#include "base/interpose.h"

#include <unistd.h>

#include "control/lowering.h"
#include "kernel/credentials.h"
#include "kernel/vfork_child.h"

#define SAME ((uid_t)-1)

/* A vfork child runs in our memory, and its user is its own. */
static bool is_watched(void)
{
	return !vfork_child_is() && lowering_is_watched();
}

/* Who is not root sets only the effective one (setuid(2)). */
EXPORT int setuid(uid_t user)
{
	struct lowering lowering = {0};
	int result;

	libc_calls_ensure();
	if (is_watched())
		lowering_user_begin(&lowering, user, user, user);
	result = libc_calls.setuid(user);
	lowering_user_end(&lowering, result == 0);
	return result;
}

/* The saved one follows if the real one is set, or the effective one to anything but the real one
 * (setreuid(2)). */
EXPORT int setreuid(uid_t real, uid_t effective)
{
	struct lowering lowering = {0};
	struct user_ids before;
	int result;

	libc_calls_ensure();
	if (is_watched()) {
		before = credentials_users();
		lowering_user_begin(&lowering, real, effective,
		                    real != SAME || (effective != SAME && effective != before.real)
		                            ? (effective != SAME ? effective : before.effective)
		                            : SAME);
	}
	result = libc_calls.setreuid(real, effective);
	lowering_user_end(&lowering, result == 0);
	return result;
}

EXPORT int setresuid(uid_t real, uid_t effective, uid_t saved)
{
	struct lowering lowering = {0};
	int result;

	libc_calls_ensure();
	if (is_watched())
		lowering_user_begin(&lowering, real, effective, saved);
	result = libc_calls.setresuid(real, effective, saved);
	lowering_user_end(&lowering, result == 0);
	return result;
}

EXPORT int chroot(const char *path)
{
	struct lowering lowering = {0};
	int result;

	if (is_watched())
		lowering_root_begin(&lowering);
	result = libc_calls.chroot(path);
	lowering_root_end(&lowering, result == 0);
	return result;
}
