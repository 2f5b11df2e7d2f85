/* SPDX-License-Identifier: MIT */
/* Owns the names of errors (errno(3)) for the log: an operator can look EMFILE up, but not 24. */
#ifndef OCTOPUS_ERRNO_NAMES_H
#define OCTOPUS_ERRNO_NAMES_H

/* "EMFILE" for ERROR, a positive errno; "unknown error" for one that none of our calls gives. Context: any. */
const char *errno_name(int error);

#endif
