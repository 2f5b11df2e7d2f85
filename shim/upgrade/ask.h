/* SPDX-License-Identifier: MIT */
/* Owns the question to the predecessor's broker (broker.h), in a process that a new version has started
 * and that binds: who inherits nothing finds out here whether there is something to inherit. */
#ifndef OCTOPUS_ASK_H
#define OCTOPUS_ASK_H

#include <stdbool.h>

#include "generation/birth.h"

/* Looks for a birth among this process's ancestors. Returns true, and writes the broker's address into
 * RET_NAME, if the kernel says that one of them is a reaper whose parent is a process of root's or of
 * this user's, and has that address. Leaves errno alone. Context: any. */
bool ask_find(char ret_name[BIRTH_BROKER]);

/* Asks the broker NAME for the words and the manifest of the birth. Returns 0, with two descriptors that
 * are the caller's, or -errno. Waits at most 5 s. Context: any. */
int ask_for_birth(const char *name, int *ret_words_fd, int *ret_manifest_fd);

/* Asks it for listener INDEX of the manifest, or for a file that is kept (BIRTH_KEPT). Returns a close-on-exec descriptor that is the caller's, or
 * -errno. Waits at most 5 s. Context: any. */
int ask_for_listener(const char *name, uint32_t index);

#endif
