/* SPDX-License-Identifier: MIT */
/* Owns the file to which the log goes. It is opened anew for each line, so that the log survives
 * rotation by rename and by copytruncate, and holds no descriptor; but for a server that gives up
 * root, which has the file kept. */
#ifndef OCTOPUS_LOG_TARGET_H
#define OCTOPUS_LOG_TARGET_H

/* Looks for PATH, which is absolute, and remembers where its links lead and what is there. From then
 * on it may be a regular file; or what it was at this moment, if that was a FIFO, a character device
 * (a terminal, /dev/null), or an open descriptor (/dev/stdout). It need not exist. Returns 0, or
 * -errno. If it is not to be trusted: -EPERM and *RET_WHY, a literal that goes on after "refused,
 * as". Context: normal. */
int log_target_find(const char *path, const char **ret_why);

/* Opens it to append, and makes it if there is none. No link is followed, and it does not sleep: not
 * for a reader of a FIFO either, which then fails (ENXIO). The directory must be as trusted_path.h
 * wants it. In a private one, which only the trusted can fill, the file may have any owner, as
 * logrotate gives it to the service; in a shared one it must be root's or the server's user's. A
 * regular file has one name. Returns a descriptor that the caller closes, or fails like
 * log_target_find(). Call it within own_fd.h's brackets. Context: any. */
int log_target_open(const char **ret_why);

/* The process is about to give up root, or to change its root directory: keeps the file open
 * (base/kept_fd.h), if it is a regular one. log_target_open() returns a copy of that from then on
 * where the path fails. Context: normal. */
void log_target_keep(void);

/* The root directory is another one: the path does not mean the file any more. Context: any. */
void log_target_forget_path(void);

#endif
