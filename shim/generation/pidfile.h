/* SPDX-License-Identifier: MIT */
/* OCTOPUS_PIDFILE: the leader's pid, for whoever sends the next signal. */
#ifndef OCTOPUS_PIDFILE_H
#define OCTOPUS_PIDFILE_H

#include <sys/types.h>

/* Writes this process's pid and a newline into a temporary file beside it and renames that, so that a
 * reader sees the old pid or the new one, never half of it. A failure is logged. No-op when the
 * setting is empty. Context: any. */
void pidfile_write(void);

/* Writes PID instead, if the file holds this process's: that one serves on. Context: any. */
void pidfile_hand_back(pid_t pid);

/* Removes the file if it still holds this process's pid: a predecessor that leaves later takes
 * nothing from its successor. Context: any. */
void pidfile_remove(void);

#endif
