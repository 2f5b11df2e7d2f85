/* SPDX-License-Identifier: MIT */
/* Owns the manifest: which listeners a successor inherits, and the descriptor number of each. */
#ifndef OCTOPUS_MANIFEST_H
#define OCTOPUS_MANIFEST_H

#include <stdbool.h>

#include "generation/birth.h"
#include "upgrade/spawn.h"

/* Records whether the server bound FD to port 0 (ASKED), so that the kernel chose the port. A
 * successor that binds port 0 again then gets the same listener. Context: any. */
void manifest_note_any_port(int fd, bool asked);

/* The server listens on FD: from now on the manifest knows how it was bound. Context: any. */
void manifest_note_listening(int fd);

/* What a successor gets: the listeners, then the manifest, and last the words of the birth. */
#define MANIFEST_FDS (GENERATION_LISTENERS + 2)

/* Fills MANIFEST for a successor of this generation, and RET_FDS with the descriptors of the
 * listeners. Returns their number. Takes no ownership of a descriptor. Context: the controller. */
int manifest_fill(struct manifest *manifest, struct spawn_fd *ret_fds);

/* Chooses the number that each of the COUNT descriptors in FDS has in the successor, and writes all
 * but the last one's into the words of BIRTH. Returns 0, or -EMFILE when the limit leaves no free
 * numbers. Context: the controller. */
int manifest_number(struct birth *birth, struct spawn_fd *fds, int count);

#endif
