/* SPDX-License-Identifier: MIT */
/* Owns the pid file (OCTOPUS_PIDFILE): it holds the pid of the process that gets the next
 * signal. */
#ifndef OCTOPUS_PIDFILE_H
#define OCTOPUS_PIDFILE_H

#include <sys/types.h>

/* Writes the pid of this process and a newline into a temporary file, and renames that to the pid
 * file. So a reader sees the old pid or the new one, never half of one. Logs a failure. Does
 * nothing if the setting is empty. Context: any. */
void pidfile_write(void);

/* Writes PID, of the process that serves on, if the file holds the pid of this process.
 * Context: any. */
void pidfile_hand_back(pid_t pid);

/* Removes the file if it holds the pid of this process: a predecessor that exits later does not
 * remove its successor's file. Context: any. */
void pidfile_remove(void);

#endif
