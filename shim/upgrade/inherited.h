/* SPDX-License-Identifier: MIT */
/* Owns the checks of what a successor was given, before it believes any of it. */
#ifndef OCTOPUS_INHERITED_H
#define OCTOPUS_INHERITED_H

#include "generation/birth.h"

/* Returns what is wrong with FD as the listener that the manifest tells of, or NULL. Context: init. */
const char *inherited_fault(int fd, const struct inherited_listener *listener);

/* The same for FD as the file WHICH that the predecessor has kept. Context: any. */
const char *inherited_kept_fault(int fd, enum kept which);

/* Says by COMPLAIN why VALUE, of HANDOVER_VARIABLE, leads to no hand-over: ERROR of birth_map() or
 * manifest_read(), and RELEASE of the former. Context: init. */
void inherited_explain(const char *value, int error, const char *release,
                       void (*complain)(const char *format, ...));

#endif
