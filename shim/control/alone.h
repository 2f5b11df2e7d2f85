/* SPDX-License-Identifier: MIT */
/* Owns what this generation does when the one before it, or one that failed, no longer serves the
 * listeners beside it. */
#ifndef OCTOPUS_ALONE_H
#define OCTOPUS_ALONE_H

/* Another generation serves the listeners too if there is a predecessor. Context: normal. */
void alone_begin(void);

/* Looks whether this generation is alone now. Context: the controller. */
void alone_check(void);

#endif
