/* SPDX-License-Identifier: MIT */
/* Owns the manifest: which descriptors a successor gets, and the number of each. */
#ifndef OCTOPUS_MANIFEST_H
#define OCTOPUS_MANIFEST_H

#include <stdbool.h>

#include "generation/birth.h"
#include "generation/start_fds.h"
#include "upgrade/spawn.h"

/* What a successor gets: the listeners, then the manifest, the words of the birth, what was kept
 * (base/kept_fd.h), and the descriptors of the start. */
#define MANIFEST_FDS (GENERATION_LISTENERS + 2 + KEPT_COUNT + START_FDS_MOST)

/* Records whether the server bound FD to port 0 (ASKED), so that the kernel chose the port. A
 * successor that binds port 0 again then gets the same listener. Context: any. */
void manifest_note_any_port(int fd, bool asked);

/* True if FD was bound so. Context: any. */
bool manifest_asked_for_any_port(int fd);

/* The server listens on FD: from now on the manifest knows how it was bound. Context: any. */
void manifest_note_listening(int fd);

/* Fills MANIFEST for a successor of this generation, and RET_FDS with the descriptors of the
 * listeners. Returns their number. Takes no ownership of a descriptor. Context: the controller. */
int manifest_fill(struct manifest *manifest, struct spawn_fd *ret_fds);

/* Puts the descriptors of the start behind the COUNT others in FDS. Returns how many there are then.
 * Context: the controller. */
int manifest_add_start_fds(struct spawn_fd *fds, int count);

/* The same for what was kept and MANIFEST tells of. Context: the controller. */
int manifest_add_kept(const struct manifest *manifest, struct spawn_fd *fds, int count);

/* Chooses the numbers that the listeners of MANIFEST, the manifest, the words and what was kept have in
 * the successor, none that one of the COUNT descriptors in FDS has here, and writes all but the words'
 * into BIRTH. Returns 0, or -EMFILE when the limit leaves no free numbers. Context: the controller. */
int manifest_number(const struct manifest *manifest, struct birth *birth, struct spawn_fd *fds,
                    int count);

#endif
