/* SPDX-License-Identifier: MIT */
/* Owns what is known of the descriptors that this process was started with: a lock, a log, a pipe to
 * a supervisor. A successor gets them under the same numbers. Nothing is held open for that, so what
 * the server has closed is gone. */
#ifndef OCTOPUS_START_FDS_H
#define OCTOPUS_START_FDS_H

#include <stdbool.h>

/* The numbers that are looked at. One system call tells which of them are open. */
#define START_FDS_BELOW 256
#define START_FDS_MOST 64

/* Looks which descriptors are open: the server may open others before it calls a wrapper.
 * Context: init. */
void start_fds_capture(void);

/* Looks which files they are, before a call that is wrapped closes one. Context: normal. */
void start_fds_describe(void);

/* True if FD was open at the start. Context: any. */
bool start_fds_had(int fd);

/* FD came with a hand-over: it is not of the start. Context: init. */
void start_fds_leave_out(int fd);

/* The successor gets what FROM is as TO. FROM is -1 for a descriptor that was opened only to write
 * and has been closed: /dev/null stands in for it. */
struct start_fd {
	int from;
	int to;
};

/* Writes what a successor gets into RET_FDS, which has room for START_FDS_MOST, without 0-2. Returns
 * how many. A descriptor still is that of the start if it is the same file; one that the server has
 * moved is found under its new number. Context: the controller. */
int start_fds_find(struct start_fd *ret_fds);

#endif
