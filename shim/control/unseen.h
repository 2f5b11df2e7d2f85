/* SPDX-License-Identifier: MIT */
/* Owns the listener whose listen() was not seen, because it was a system call past libc. A process
 * that has bound a stream socket through libc may have one. */
#ifndef OCTOPUS_UNSEEN_H
#define OCTOPUS_UNSEEN_H

#include <stdbool.h>

/* What happens to such a listener. Context: the server's threads. */
typedef void unseen_action(int fd);

/* Sets what happens. Context: init. */
void unseen_use(unseen_action *action);

/* FD is a new socket of TYPE, as socket(2) has it. Context: any. */
void unseen_note_socket(int fd, int type);

/* FD is bound now. IS_ADOPTED: to an inherited listener. Context: any. */
void unseen_note_bind(int fd, bool is_adopted);

/* True if FD is a stream socket that was bound, so that it may listen. Makes no system call.
 * Context: any. */
bool unseen_may_listen(int fd);

/* True if this process, and not its parent, has bound FD; *ret_is_adopted as it was noted.
 * Context: any. */
bool unseen_is_own(int fd, bool *ret_is_adopted);

/* True if this process, and not its parent, has bound a stream socket that may still listen.
 * Context: any. */
bool unseen_has_own(void);

/* Says, in the child of a fork, that the parent has bound what is bound. Context: any. */
void unseen_forked(void);

/* FD is such a listener: does what unseen_use() has set. Leaves errno alone. Context: the server's
 * threads. */
void unseen_found(int fd);

#endif
