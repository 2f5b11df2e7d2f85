/* SPDX-License-Identifier: MIT */
/* Wraps rename, renameat and renameat2. A new version may bind its unix socket under a name of its own, and
 * rename the file to the name that clients know, so that what they find is never half ready. If that is the name
 * of an inherited listener, the server gets that listener in the place of its socket. */
#include "base/interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "base/undisturbed.h"
#include "control/activation.h"
#include "control/candidate.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "control/unseen.h"
#include "generation/bound_files.h"
#include "generation/generation.h"
#include "generation/membership.h"
#include "kernel/file_mode.h"
#include "upgrade/adoption.h"
#include "upgrade/inheritance.h"

/* A rename of the file of a unix socket that this process has bound. */
struct renaming {
	int from_dir_fd, to_dir_fd;
	const char *from, *to;
	struct bound_file file, target; /* zero: not such a one */
};

/* On some listener: until it has waited on all that it has inherited, MISSING_FIRST_WAIT stands. */
static bool has_waited(void)
{
	return atomic_load(&generation.role) != ROLE_NONE &&
	       (membership_said(HINT_WAITS) ||
	        !(atomic_load(&first_wait_missing) & MISSING_FIRST_WAIT));
}

/* The controller may be waiting for somebody to claim the listener. */
static void tell_controller(void)
{
	if (atomic_load(&generation.role) == ROLE_LEADER)
		controller_wake();
}

/* Some servers do not call listen() on what listens already (haproxy). */
static void note_adopted(int fd)
{
	if (atomic_load(&generation.role) == ROLE_NONE)
		unseen_note_bind(fd, true);
	activation_on_claim();
	tell_controller();
}

static bool adopt(const struct renaming *renaming)
{
	const int saved = errno;
	struct undisturbed before;
	int fd = -1;

	undisturbed_begin(&before);
	if (inheritance_is_unknown() && activation_is_awaited())
		candidate_look(-1);
	if (inheritance_may_be_found() && generation_is_being_born() &&
	    file_mode_carry(renaming->from_dir_fd, renaming->from, renaming->to_dir_fd,
	                    renaming->to, renaming->target.inode))
		fd = adoption_adopt_renamed(&renaming->file, &renaming->target, has_waited());
	if (fd >= 0)
		note_adopted(fd);
	undisturbed_end(&before);
	errno = saved;
	return fd >= 0;
}

static void note(const struct renaming *renaming)
{
	const struct bound_file at = {
		.device = renaming->file.device,
		.inode = renaming->file.inode,
		.directory_device = renaming->target.directory_device,
		.directory_inode = renaming->target.directory_inode,
		.name = renaming->target.name,
	};

	bound_files_move(&renaming->file, &at);
	if (inheritance_may_be_found() && generation_is_being_born()) {
		adoption_note_replaced(&at);
		tell_controller();
	}
}

/* With FLAGS, both files are to stay, or another one is not to be replaced. */
static int rename_by(const struct renaming *renaming, unsigned flags)
{
	return flags ? libc_calls.renameat2(renaming->from_dir_fd, renaming->from,
	                                    renaming->to_dir_fd, renaming->to, flags)
	             : libc_calls.renameat(renaming->from_dir_fd, renaming->from,
	                                   renaming->to_dir_fd, renaming->to);
}

static int make(struct renaming renaming, unsigned flags)
{
	int result;

	if (!bound_file_at(renaming.from_dir_fd, renaming.from, &renaming.file))
		return rename_by(&renaming, flags);
	if (bound_file_at(renaming.to_dir_fd, renaming.to, &renaming.target) && !flags &&
	    adopt(&renaming))
		return libc_calls.unlinkat(renaming.from_dir_fd, renaming.from, 0);
	result = rename_by(&renaming, flags);
	if (result == 0)
		note(&renaming);
	return result;
}

EXPORT int rename(const char *from, const char *to)
{
	if (!bound_files_exist())
		return libc_calls.rename(from, to);
	return make((struct renaming){AT_FDCWD, AT_FDCWD, from, to, {0}, {0}}, 0);
}

EXPORT int renameat(int from_dir_fd, const char *from, int to_dir_fd, const char *to)
{
	if (!bound_files_exist())
		return libc_calls.renameat(from_dir_fd, from, to_dir_fd, to);
	return make((struct renaming){from_dir_fd, to_dir_fd, from, to, {0}, {0}}, 0);
}

EXPORT int renameat2(int from_dir_fd, const char *from, int to_dir_fd, const char *to,
                     unsigned flags)
{
	if (!bound_files_exist())
		return libc_calls.renameat2(from_dir_fd, from, to_dir_fd, to, flags);
	return make((struct renaming){from_dir_fd, to_dir_fd, from, to, {0}, {0}}, flags);
}
