/* SPDX-License-Identifier: MIT */
/* Owns the question whether a path leads where the operator meant: whether nobody but the server's
 * user and root can put something else in its place. A server that runs as root would otherwise
 * write where another user's link points (CVE-2016-1247).
 *
 * - A directory is *private* if it belongs to root or to the server's user, which is the effective
 *   one of the moment, and nobody else may write in it. A group may, if it is that user's own (it
 *   has the same number), or root's, unless the server runs as root.
 * - It is *shared* if others may write in it, but not move what is not theirs: sticky, like /tmp.
 * - Else it is *open*. The last directory must not be.
 * - A directory on the way may be open. Others can then choose what follows, but cannot make it a
 *   directory of root's or of the server's user's that leads elsewhere: only a link could be that.
 * - Links are followed only when the path is looked for, at the start, and only in a private
 *   directory, or if they are root's or the server's user's in a shared one. `..` is not
 *   followed out of an open one, which others may move meanwhile.
 *
 * No descriptor of a directory stays open, because the server would see it: it would count it, close
 * it in its own loop over all numbers, or give it to a child. Instead each call walks the path
 * again, with one O_PATH descriptor for each directory, relative to that of the one before. What was
 * checked is what is entered, whatever others rename meanwhile. And a directory that the operator
 * has made anew is found.
 *
 * In a user namespace that does not map 65534, owners from outside it have that number
 * (user_namespaces(7)). They count as root: / and /var are theirs. */
#ifndef OCTOPUS_TRUSTED_PATH_H
#define OCTOPUS_TRUSTED_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* All of these open descriptors: call them between own_fd_begin() and own_fd_end(). Where they
 * return -EPERM and set *RET_WHY, the path is not to be trusted. *RET_WHY is then a literal that
 * goes on after "refused, as", and otherwise it stays as it is. */

/* Writes PATH, which is absolute, into FOUND without links. The last component need not exist, and
 * stays what it is unless FOLLOWS_LAST. So does an open directory's, which is not refused yet: the
 * server may become the user to whom it belongs. Follows no link to a descriptor (see below).
 * Returns 0, or -errno and an empty FOUND. Takes 5 KB
 * of stack. Context: any. */
int trusted_path_find(char found[PATH_MAX], const char *path, bool follows_last,
                      const char **ret_why);

/* Opens the directory of FOUND, which trusted_path_find() has written. Returns a descriptor that the
 * caller closes (O_PATH), or -errno. *RET_NAME points to the last component in FOUND. *RET_IS_PRIVATE
 * tells a private directory from a shared one. Context: any. */
int trusted_path_open_directory(const char *found, const char **ret_name, bool *ret_is_private,
                                const char **ret_why);

/* True if UID is root, or the server's user. Context: any. */
bool trusted_path_is_trusted_user(uid_t uid);

/* True if PATH is `/proc/self/fd/NUMBER`, or the same of another process: /dev/stdout leads there.
 * Its link has a text, but leads to what is open. Context: any. */
bool trusted_path_is_descriptor(const char *path);

#endif
