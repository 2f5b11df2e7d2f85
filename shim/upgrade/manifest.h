/* SPDX-License-Identifier: MIT */
/* Owns the manifest: which listeners a successor inherits, and the descriptor number of each. */
#ifndef OCTOPUS_MANIFEST_H
#define OCTOPUS_MANIFEST_H

#include <stdbool.h>

#include "generation/page.h"
#include "upgrade/spawn.h"

/* Records whether the server bound FD to port 0 (ASKED), so that the kernel chose the port. A
 * successor that binds port 0 again then gets the same listener. Context: any. */
void manifest_note_any_port(int fd, bool asked);

/* The server listens on FD: from now on the manifest knows how it was bound. Context: any. */
void manifest_note_listening(int fd);

/* Fills PAGE for a successor of this generation. Fills RET_FDS, which has room for
 * GENERATION_LISTENERS + 1 entries, with what it inherits: the listeners, and last the page.
 * Returns the number of listeners, or -EMFILE when the limit leaves no free numbers. Takes no
 * ownership of a descriptor. Context: the controller. */
int manifest_fill(struct generation_page *page, int page_fd, struct spawn_fd *ret_fds);

#endif
