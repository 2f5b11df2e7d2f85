/* SPDX-License-Identifier: MIT */
/* Owns what this generation changes while another one accepts on the same listeners: whoever polls one
 * must not block in accept() because the other was quicker. */
#ifndef OCTOPUS_SHARING_H
#define OCTOPUS_SHARING_H

/* A candidate is about to start: before there is a process that may take a connection which a thread of
 * this generation has seen. Context: the controller. */
void sharing_begin(void);

/* It has failed. An earlier successor may still serve. Context: the controller. */
void sharing_end(void);

#endif
