/* SPDX-License-Identifier: MIT */
/* Owns what this process has been told of its birth: its own copy of the manifest, and where the
 * predecessor's broker answers. */
#ifndef OCTOPUS_RECEIVED_H
#define OCTOPUS_RECEIVED_H

#include <stdbool.h>

#include "generation/birth.h"

/* Maps the words in WORDS_FD, and copies the manifest in *MANIFEST_FD. If that is -1, it becomes the
 * descriptor that the words name, which they might not name again. Sets generation.birth and
 * generation.lineage. Both descriptors stay the caller's. Returns as birth_map() and manifest_read() do, with
 * RET_RELEASE as the former has it. Context: any. */
int received_read(int words_fd, int *manifest_fd, char ret_release[GENERATION_RELEASE + 8]);

/* Does so with what the broker gives. Returns 0 or -errno. Context: any. */
int received_ask(void);

/* Looks for a broker among the ancestors first (ask.h). Returns false if there is none.
 * Context: any. */
bool received_find(void);

/* The broker's address; empty: there is none. Context: any. */
const char *received_broker(void);

/* True while it answers: until the predecessor has accepted the new version. Context: any. */
bool received_broker_answers(void);

/* How many listeners the manifest names, and what it says of each. Context: any. */
uint32_t received_listeners(void);
const struct inherited_listener *received_listener(uint32_t index);

/* True if the predecessor has kept the file WHICH. Context: any. */
bool received_tells_of_kept(enum kept which);

#endif
