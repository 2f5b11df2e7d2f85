/* SPDX-License-Identifier: MIT */
/* Owns the pid file (OCTOPUS_PIDFILE): it holds the pid of the process that gets the next
 * signal. Nobody but root and the server's user may write in its directory, or it must be sticky
 * (base/trusted_path.h): somebody else could name a stranger's process there. What has no trust is
 * neither written, nor read, nor removed. Nothing here sleeps, or follows a link in the file's
 * place. */
#ifndef OCTOPUS_PIDFILE_H
#define OCTOPUS_PIDFILE_H

#include <stdbool.h>
#include <sys/types.h>

/* True if the file FD, which is read from where it stands, begins with the number PID. May change
 * errno. Context: any. */
bool pidfile_names(int fd, pid_t pid);

/* Returns the pid that the file names, or 0. Leaves errno alone. Context: any. */
pid_t pidfile_read(void);

/* Writes the pid of this process and a newline into a temporary file of a random name, and renames
 * that to the pid file. So a reader sees the old pid or the new one, never half of one. The links on
 * the way to it are followed the first time only. Logs a failure. Does nothing if the setting is
 * empty. Takes 5 KB of stack. Context: any. */
void pidfile_write(void);

/* Remembers whether the file names this process, before another one may write it. After that,
 * pidfile_restore() writes this process's pid if it did, and does not any more. Context: any. */
void pidfile_remember(void);
void pidfile_restore(void);

/* Writes PID, of the process that serves on, if the file holds the pid of this process. The file
 * must be a regular one with one name; in a sticky directory, it must be root's or the server's
 * user's. Takes 5 KB of stack, too. Context: any. */
void pidfile_hand_back(pid_t pid);

/* Removes the file if it holds the pid of this process: a predecessor that exits later does not
 * remove its successor's file. Without the right to do so, empties it. Context: any. */
void pidfile_remove(void);

/* The process is about to give up root, or to change its root directory: keeps the file open, and
 * makes an empty one if there is none. The others above use that from then on (pidfile_kept.h) where
 * the path fails. Context: normal. */
void pidfile_keep(void);

/* The root directory is another one: the path does not mean the file any more. Context: any. */
void pidfile_forget_path(void);

#endif
