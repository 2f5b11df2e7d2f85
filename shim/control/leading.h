/* SPDX-License-Identifier: MIT */
/* Owns how a process becomes a leader: whose successor it is, if it is one, and what it leads with. */
#ifndef OCTOPUS_LEADING_H
#define OCTOPUS_LEADING_H

/* This process leads from now on: takes its birth over, if it was handed one and nobody has taken it, and
 * makes its news. Returns 0 or -errno. Context: normal, or the controller. */
int leading_begin(void);

/* Before that and before the first log line: keeps what the predecessor has kept (base/kept_fd.h), if this
 * process is about to lead its successor. Context: normal. */
void leading_take_kept(void);

#endif
