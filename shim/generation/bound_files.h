/* SPDX-License-Identifier: MIT */
/* Owns which file each unix socket of this process was bound to, and where that file is now. The name that
 * getsockname(2) tells is that of the bind(): a server may have renamed the file since, and another one may
 * have put a file of its own there. Whose a path is, its inode tells. */
#ifndef OCTOPUS_BOUND_FILES_H
#define OCTOPUS_BOUND_FILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* A file, and its place: a directory, and a hash of the name there. All zero: not known. */
struct bound_file {
	uint64_t device, inode;
	uint64_t directory_device, directory_inode, name;
};

extern _Atomic bool bound_files_are_there;

/* True once this process has bound a unix socket to a path. The wrapper of rename tests only this.
 * Context: any. */
static inline bool bound_files_exist(void)
{
	return __builtin_expect(atomic_load_explicit(&bound_files_are_there, memory_order_relaxed),
	                        0);
}

/* Finds the socket at PATH (relative to DIR_FD, as in openat(2)), not through a symbolic link. Returns false,
 * with *ret_file all zero but for its place, if there is none; the place is zero if there is no such
 * directory. Leaves errno alone. Context: any. */
bool bound_file_at(int dir_fd, const char *path, struct bound_file *ret_file);

/* The same for the path in ADDRESS, LENGTH bytes long. Returns false if it holds none, too: then all is zero.
 * Leaves errno alone. Context: any. */
bool bound_file_of(const struct sockaddr *address, socklen_t length, struct bound_file *ret_file);

/* True if connect(2) to the path in ADDRESS leads to FILE, through symbolic links too. Leaves errno alone.
 * Context: any. */
bool bound_file_is_target(const struct bound_file *file, const struct sockaddr *address,
                          socklen_t length);

/* True if both are the same file; are at the same place. What is not known is the same as nothing.
 * Context: any. */
bool bound_file_is_same(const struct bound_file *a, const struct bound_file *b);
bool bound_file_has_place_of(const struct bound_file *a, const struct bound_file *b);

/* FD is bound to FILE. Context: any. */
void bound_files_note(int fd, const struct bound_file *file);

/* FD listens with BACKLOG. Context: any. */
void bound_files_note_backlog(int fd, int backlog);

/* Says to which file FD is bound, all zero if that is not known. Context: any. */
void bound_files_get(int fd, struct bound_file *ret_file);

/* Returns the descriptor that is bound to FILE, or -1, and the backlog with which it was told to listen last,
 * or -1. Context: any. */
int bound_files_find(const struct bound_file *file, int *ret_backlog);

/* True if a socket of this process is bound in the directory of FILE, to a name that contains FILE's: as a server
 * does that is to rename it to that. Leaves errno alone. Context: any. */
bool bound_files_have_draft(const struct bound_file *file);

/* What was at the place of FROM is now at the place of TO. Context: any. */
void bound_files_move(const struct bound_file *from, const struct bound_file *to);

#endif
