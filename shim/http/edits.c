/* SPDX-License-Identifier: MIT */
#include "http/edits.h"

#include <stdbool.h>

/* RFC 9113 §6.8: 8 bytes of payload, stream 0, the highest stream that there can be, NO_ERROR. */
static const uint8_t goaway[] = {0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0};

#define TEXT(text)                               \
	{                                        \
		(char *)(text), sizeof(text) - 1 \
	}

static const struct iovec texts[] = {
	[EDIT_REPLACE] = TEXT("close     "),
	[EDIT_APPEND] = TEXT(", close"),
	[EDIT_INSERT] = TEXT("Connection: close\r\n"),
	[EDIT_GOAWAY] = {(char *)goaway, sizeof(goaway)},
};

struct iovec edits_text(enum edit_kind kind)
{
	return texts[kind];
}

void edits_add(struct edits *edits, size_t offset, enum edit_kind kind, size_t from, size_t length)
{
	edits->list[edits->count++] =
		(struct edit){offset, (uint8_t)kind, (uint8_t)from, (uint8_t)length};
}

static struct iovec part_of(const struct edit *edit)
{
	return (struct iovec){(char *)texts[edit->kind].iov_base + edit->from, edit->length};
}

int edits_apply(const struct iovec *iov, int count, const struct edits *edits,
                struct iovec *ret_iov, int room)
{
	const struct edit *edit = edits->list, *end = edits->list + edits->count;
	size_t offset = 0, replaced = 0;
	int made = 0;

	for (int i = 0; i < count; i++) {
		char *at = iov[i].iov_base;
		size_t left = iov[i].iov_len;

		while (left > 0 && made < room) {
			size_t length = replaced > 0 && replaced < left ? replaced : left;

			if (edit < end && edit->offset == offset) {
				ret_iov[made++] = part_of(edit);
				replaced = edit->kind == EDIT_REPLACE ? edit->length : 0;
				edit++;
				continue;
			}
			if (edit < end && edit->offset - offset < length)
				length = edit->offset - offset;
			if (replaced > 0)
				replaced -= length;
			else
				ret_iov[made++] = (struct iovec){at, length};
			at += length;
			left -= length;
			offset += length;
		}
	}
	return made;
}

struct edits_out edits_taken(const struct edits *edits, size_t taken)
{
	struct edits_out out = {0};
	size_t planned = 0;

	for (int i = 0; edits && i < edits->count; i++) {
		const struct edit *edit = &edits->list[i];
		const bool adds = edit->kind != EDIT_REPLACE;
		const size_t begin = edit->offset + planned;

		if (begin >= taken)
			break;
		out.last = *edit;
		out.last.length =
			(uint8_t)(taken - begin < edit->length ? taken - begin : edit->length);
		planned += adds ? edit->length : 0;
		out.added += adds ? out.last.length : 0;
		out.begun += edit->from == 0;
	}
	return out;
}
