/* SPDX-License-Identifier: MIT */
/* Owns what a successor is told of its inheritance: which listeners, and under which number each waits there. */
#ifndef OCTOPUS_MANIFEST_H
#define OCTOPUS_MANIFEST_H

#include <stdbool.h>

#include "generation/page.h"
#include "upgrade/spawn.h"

/* Remembers that FD was bound to a port of the kernel's choice: its successor, which asks for any
 * port again, is to get the same one. Context: any. */
void manifest_note_any_port(int fd, bool asked);

/* Fills PAGE for a successor of this generation, and RET_FDS, which has room for GENERATION_LISTENERS + 1 entries, with
 * what the successor inherits: the listeners, and last the page itself. Returns how many listeners there are, or
 * -EMFILE when the limit leaves no free numbers. Context: the controller. */
int manifest_fill(struct generation_page *page, int page_fd, struct spawn_fd *ret_fds);

#endif
