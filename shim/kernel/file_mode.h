/* SPDX-License-Identifier: MIT */
/* Owns the mode and the owner of a file, carried over to another one that takes its place. */
#ifndef OCTOPUS_FILE_MODE_H
#define OCTOPUS_FILE_MODE_H

#include <stdbool.h>
#include <sys/types.h>

/* Gives the file at TO the mode and the owner of the one at FROM, each a path relative to its descriptor, as in
 * openat(2), but only if TO has the inode number INODE: nobody who puts a link there leads it elsewhere. Returns
 * false if TO does not have them then. May change errno. Context: any. */
bool file_mode_carry(int from_dir_fd, const char *from, int to_dir_fd, const char *to, ino_t inode);

#endif
