/* SPDX-License-Identifier: MIT */
/* Owns the word that another generation may accept on the same listeners: from then on each wait takes the
 * connection of which it tells (reports.h). */
#ifndef OCTOPUS_SHARING_H
#define OCTOPUS_SHARING_H

/* A candidate is about to start. It is said before there is a process that could take a connection.
 * Context: the controller. */
void sharing_begin(void);

/* It has failed. An earlier successor may still serve. Context: the controller. */
void sharing_end(void);

#endif
