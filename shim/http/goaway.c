/* SPDX-License-Identifier: MIT */
#include "http/goaway.h"

void goaway_begin(struct goaway *goaway, const struct http2 *http2)
{
	goaway->is_on = !http2->is_given_up;
	goaway->is_said = goaway->is_said || http2->has_goaway;
	goaway->out = http2->out;
}

/* Returns the offset of the first place in all these bytes, or -1. */
static ssize_t find_place(const struct goaway *goaway, const struct iovec *iov, int count)
{
	struct http2_way way = goaway->out;
	size_t offset = 0;

	for (int i = 0; i < count; offset += iov[i].iov_len, i++) {
		const size_t at = http2_find_place(&way, iov[i].iov_base, iov[i].iov_len);

		if (at < iov[i].iov_len)
			return (ssize_t)(offset + at);
	}
	return -1;
}

void goaway_plan(const struct goaway *goaway, const struct iovec *iov, int count, bool may_begin,
                 struct edits *ret_edits)
{
	const size_t length = edits_text(EDIT_GOAWAY).iov_len;
	ssize_t place;

	ret_edits->count = 0;
	if (goaway->partly) {
		edits_add(ret_edits, 0, EDIT_GOAWAY, goaway->partly, length - goaway->partly);
		return;
	}
	place = may_begin && !goaway->is_said ? find_place(goaway, iov, count) : -1;
	if (place >= 0)
		edits_add(ret_edits, (size_t)place, EDIT_GOAWAY, 0, length);
}

void goaway_has_said(struct goaway *goaway, size_t n)
{
	const size_t out = goaway->partly + n;

	goaway->is_said = out == edits_text(EDIT_GOAWAY).iov_len;
	goaway->partly = goaway->is_said ? 0 : (uint8_t)out;
}

size_t goaway_wrote(struct goaway *goaway, const struct iovec *iov, int count,
                    const struct edits *edits, size_t taken)
{
	const struct edits_out out = edits_taken(edits, taken);
	size_t left = taken - out.added;

	if (out.added > 0)
		goaway_has_said(goaway, out.added);
	for (int i = 0; i < count && left > 0; i++) {
		const size_t length = iov[i].iov_len < left ? iov[i].iov_len : left;

		if (http2_pass(&goaway->out, iov[i].iov_base, length))
			goaway->is_said = true;
		left -= length;
	}
	return taken - out.added;
}

void goaway_sent_unseen(struct goaway *goaway, uint64_t n)
{
	if (!http2_pass_unseen(&goaway->out, n))
		goaway->is_on = false;
}

struct iovec goaway_rest(const struct goaway *goaway)
{
	struct iovec text = edits_text(EDIT_GOAWAY);

	if (!goaway->is_on || goaway->is_said || !http2_is_between_frames(&goaway->out))
		return (struct iovec){0};
	text.iov_base = (char *)text.iov_base + goaway->partly;
	text.iov_len -= goaway->partly;
	return text;
}
