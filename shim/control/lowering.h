/* SPDX-License-Identifier: MIT */
/* Owns the moment at which a server gives up root for good, or changes its root directory. From then
 * on it could not open its log and its pid file any more. So they are opened just before, and kept
 * (base/kept_fd.h): in a process that leads, or will, and in no other. */
#ifndef OCTOPUS_LOWERING_H
#define OCTOPUS_LOWERING_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* One call of the server's. */
struct lowering {
	bool is_watched;
	bool has_kept;   /* something that was not kept before */
	struct stat top; /* the root directory before a chroot() */
};

/* True if this process leads, or has bound a stream socket, or is the daemon that will lead. Makes no
 * system call in a process that has not bound or listened. The others are for such a process only.
 * Context: the server's threads. */
bool lowering_is_watched(void);

/* Bracket a call that sets the user IDs to those, of which (uid_t)-1 leaves one as it is.
 * IS_DONE: it has succeeded. If the process could become root again, nothing happens. All of these
 * leave errno alone. Context: the server's threads. */
void lowering_user_begin(struct lowering *ret_lowering, uid_t real, uid_t effective, uid_t saved);
void lowering_user_end(const struct lowering *lowering, bool is_done);

/* Bracket chroot(2). Context: the server's threads. */
void lowering_root_begin(struct lowering *ret_lowering);
void lowering_root_end(const struct lowering *lowering, bool is_done);

#endif
