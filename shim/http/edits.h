/* SPDX-License-Identifier: MIT */
/* Owns how the bytes that a server writes are changed on their way out: which texts there are, and the
 * scatter list that has them in their places. Pure: it never writes to the server's bytes. */
#ifndef OCTOPUS_EDITS_H
#define OCTOPUS_EDITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum edit_kind {
	EDIT_REPLACE, /* the option `keep-alive` becomes `close` and five spaces: same length */
	EDIT_APPEND,  /* `, close` at the end of a Connection line that has none */
	EDIT_INSERT,  /* a line `Connection: close` before the empty line */
	EDIT_GOAWAY, /* a frame between two others: no more streams, and all that were begun are served */
};

/* LENGTH bytes of the kind's text, from byte FROM on, go out before the byte OFFSET of what the
 * server writes. EDIT_REPLACE sends them instead of as many of the server's bytes, the others in
 * addition. */
struct edit {
	size_t offset;
	uint8_t kind;
	uint8_t from;
	uint8_t length;
};

/* A write has at most one response to edit. */
enum { MOST_EDITS = 4 };
struct edits {
	int count;
	struct edit list[MOST_EDITS];
};

/* What there is to go out of KIND. Context: any. */
struct iovec edits_text(enum edit_kind kind);

/* Adds an edit to EDITS. Context: any. */
void edits_add(struct edits *edits, size_t offset, enum edit_kind kind, size_t from, size_t length);

/* Makes the scatter list of the edited bytes, which points into IOV's bytes and into constants. It
 * has at most ROOM entries; the rest is left out, so that the write is shorter.
 * COUNT + 2 * MOST_EDITS always suffice. Returns the number of entries. Context: any. */
int edits_apply(const struct iovec *iov, int count, const struct edits *edits,
                struct iovec *ret_iov, int room);

/* How far the edits are out. */
struct edits_out {
	size_t added;  /* so many bytes are not the server's */
	uint8_t begun; /* so many edits began */
	struct edit
		last; /* the last of which some bytes are out: these; all before it are out as a whole */
};

/* The kernel took TAKEN of the edited bytes. EDITS may be NULL: none. Context: any. */
struct edits_out edits_taken(const struct edits *edits, size_t taken);

#endif
