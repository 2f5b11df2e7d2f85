/* SPDX-License-Identifier: MIT */
/* Owns the names of errors (errno(3)) for the log: an operator can look up EMFILE, but not 24. */
#ifndef OCTOPUS_ERRNO_NAMES_H
#define OCTOPUS_ERRNO_NAMES_H

/* Returns the name of ERROR, a positive errno: "EMFILE". Returns "unknown error" for an errno that
 * none of our calls gives. Context: any. */
const char *errno_name(int error);

#endif
