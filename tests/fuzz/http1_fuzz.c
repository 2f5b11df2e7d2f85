/* SPDX-License-Identifier: MIT */
/* Fuzzes the reader of HTTP/1.x: whatever client and server say, and however it is cut into reads, writes,
 * scatter lists and what the kernel takes, no byte of the server's is lost or changed but a
 * `keep-alive`, the connection ends in the same state, and where a slower reader (http1_reference.h) has
 * an opinion it is the same.
 *
 * The input is a byte of flags, a byte that says how all is cut, the requests, a record separator
 * (0x1e), and the responses.
 * Links: http/http1.c http/http1_message.c http/http1_record.c http/http1_length.c
 * Links: http/edits.c http/http2.c */
#include "http/http1.h"
#include "http/http1_record.h"
#include "http1_reference.h"

enum { MAY_EDIT = 1, RECORDED = 2, INTERLEAVED = 4 };
enum { LONGEST = 2048, WIRE = 4 * LONGEST, PIECES = 8, SEPARATOR = 0x1e };

/* Each input is cut its own way, the same each time. */
static uint32_t dice;

static void demand(bool claim)
{
	if (!claim)
		__builtin_trap();
}

static size_t throw(size_t most)
{
	dice = dice * 1103515245 + 12345;
	return (dice >> 16) % (most + 1);
}

static int scatter(const char *bytes, size_t n, struct iovec *ret_iov)
{
	int count = 0;

	for (; count < PIECES - 1; count++) {
		const size_t length = throw(n < 12 ? n : 12);

		ret_iov[count] = (struct iovec){(char *)bytes, length};
		bytes += length;
		n -= length;
	}
	ret_iov[count++] = (struct iovec){(char *)bytes, n};
	return count;
}

struct wire {
	char bytes[WIRE];
	size_t length;
};

/* Returns how many of the server's bytes went out; the kernel takes at most TAKE of the edited ones. */
static size_t write_once(struct http1 *http1, const struct iovec *iov, int count, bool may_edit,
                         size_t take, struct wire *wire)
{
	const bool was_given_up = http1_is_given_up(http1), owes = http1->edit_out > 0;
	struct iovec edited[PIECES + 2 * MOST_EDITS];
	struct edits edits;
	size_t taken = 0;
	int entries;

	http1_plan(http1, iov, count, may_edit, &edits);
	demand(edits.count >= 0 && edits.count <= MOST_EDITS);
	demand(edits.count == 0 || owes || (may_edit && !was_given_up));
	entries = edits_apply(iov, count, &edits, edited, PIECES + 2 * MOST_EDITS);
	for (int i = 0; i < entries && taken < take; i++) {
		const size_t left = take - taken;
		const size_t length = edited[i].iov_len < left ? edited[i].iov_len : left;

		demand(wire->length + length <= WIRE);
		memcpy(wire->bytes + wire->length, edited[i].iov_base, length);
		wire->length += length;
		taken += length;
	}
	return http1_wrote(http1, iov, count, edits.count ? &edits : NULL, taken);
}

/* What went out is what was written, but that close was inserted, appended or put over a keep-alive. */
static void check_wire(const struct wire *wire, const char *bytes, size_t n)
{
	static const char line[] = "Connection: close\r\n", appended[] = ", close";
	size_t at = 0;

	for (size_t i = 0; i < wire->length;) {
		const char *out = wire->bytes + i;
		const size_t left = wire->length - i;

		if (at < n && *out == bytes[at]) {
			i++;
			at++;
		} else if (left >= 10 && memcmp(out, "close     ", 10) == 0) {
			demand(n - at >= 10 && strncasecmp(bytes + at, "keep-alive", 10) == 0);
			i += 10;
			at += 10;
		} else if (left >= sizeof(line) - 1 && memcmp(out, line, sizeof(line) - 1) == 0) {
			demand(at < n && (bytes[at] == '\r' || bytes[at] == '\n'));
			i += sizeof(line) - 1;
		} else {
			demand(left >= 7 && memcmp(out, appended, 7) == 0);
			demand(at < n && (bytes[at] == '\r' || bytes[at] == '\n'));
			i += 7;
		}
	}
	demand(at == n);
}

static void check_same(struct http1 one, struct http1 other)
{
	demand(one.is_given_up == other.is_given_up);
	if (one.is_given_up)
		return;
	/* Where a cut spared a keep-alive, the server's own close may have told the client. */
	one.announced = other.announced = 0;
	demand(memcmp(&one, &other, sizeof(one)) == 0);
}

static void read_in_pieces(struct http1 *http1, const char *bytes, size_t n)
{
	while (n > 0) {
		const size_t length = 1 + throw(n < 40 ? n - 1 : 39);
		struct iovec iov[PIECES];

		http1_read(http1, iov, scatter(bytes, length, iov), length);
		bytes += length;
		n -= length;
	}
}

static void write_in_pieces(struct http1 *http1, const char *bytes, size_t n, bool may_edit,
                            struct wire *wire)
{
	size_t end = 0;

	wire->length = 0;
	for (size_t at = 0; at < n;) {
		struct iovec iov[PIECES];
		size_t take = throw(1) ? throw(12) : SIZE_MAX;

		if (at == end)
			end += 1 + throw(throw(1) ? n - at - 1 : (n - at - 1) % 16);
		at += write_once(http1, iov, scatter(bytes + at, end - at, iov), may_edit, take,
		                 wire);
		demand(at <= end);
	}
	demand(http1->edit_out == 0);
}

static void check_reference(const struct http1 *http1, const struct wire *wire,
                            const char *requests, size_t requests_length, const char *responses,
                            size_t length, bool may_edit)
{
	static struct reference reference;

	refer(&reference, requests, requests_length, responses, length, may_edit);
	if (reference.state == CUT)
		return;
	demand(http1_is_given_up(http1) == (reference.state == WRONG));
	if (reference.state == WRONG)
		return;
	demand(wire->length == reference.out_length);
	demand(memcmp(wire->bytes, reference.out, wire->length) == 0);
	demand(http1_close_is_announced(http1) ==
	       (http1_is_idle(http1) && reference.announced > 0));
}

/* Reads and writes by turns: only what must hold in any order. */
static void interleave(const char *requests, size_t requests_length, const char *responses,
                       size_t length)
{
	static struct wire wire, piece;
	struct http1 http1 = {0};
	size_t read = 0, written = 0;

	wire.length = 0;
	while (read < requests_length || written < length) {
		const size_t reads = throw(requests_length - read),
			     writes = throw(length - written);

		read_in_pieces(&http1, requests + read, reads);
		write_in_pieces(&http1, responses + written, writes, throw(3) > 0, &piece);
		memcpy(wire.bytes + wire.length, piece.bytes, piece.length);
		wire.length += piece.length;
		read += reads;
		written += writes;
	}
	check_wire(&wire, responses, length);
}

/* The record of a connection that nobody follows tells the same as following it. It may know longer
 * where a head has errors that do not change its length. Sometimes it is padded, so that it does not
 * keep all. */
static void record(const char *requests, size_t requests_length, const char *responses,
                   size_t length)
{
	static struct exchange_record record;
	struct http1 http1 = {0}, recorded;
	size_t read = 0, written = 0;

	http1_record_begin(&record);
	while (read < requests_length || written < length) {
		const size_t reads = throw(requests_length - read),
			     writes = throw(length - written);
		struct iovec iov[PIECES] = {{(char *)requests + read, reads}};
		const int count = throw(1) ? scatter(requests + read, reads, iov) : 1;

		http1_read(&http1, iov, count, reads);
		if (reads > 0)
			http1_record_received(&record, iov, count, reads);
		(void)http1_wrote(&http1, iov, scatter(responses + written, writes, iov), NULL,
		                  writes);
		if (writes > 0)
			http1_record_sent(&record, iov, PIECES, writes);
		read += reads;
		written += writes;
		if (!http1_is_given_up(&http1) && read + written > 0)
			demand(http1_record_read(&record, &recorded) == http1_state(&http1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire wire, wire_of_pieces;
	struct http1 whole = {0}, pieces = {0};
	const char *requests = (const char *)data + 2, *responses;
	size_t requests_length, length, written;
	struct iovec iov;

	if (size < 2 || size > LONGEST)
		return 0;
	responses = memchr(requests, SEPARATOR, size - 2);
	responses = responses ? responses : requests + size - 2;
	requests_length = (size_t)(responses - requests);
	responses += requests_length < size - 2;
	length = size - 2 - (size_t)(responses - requests);
	dice = data[1];

	iov = (struct iovec){(char *)requests, requests_length};
	http1_read(&whole, &iov, 1, requests_length);
	read_in_pieces(&pieces, requests, requests_length);
	check_same(whole, pieces);

	wire.length = 0;
	iov = (struct iovec){(char *)responses, length};
	written = length ? write_once(&whole, &iov, 1, data[0] & MAY_EDIT, SIZE_MAX, &wire) : 0;
	demand(written == length);
	check_wire(&wire, responses, length);
	write_in_pieces(&pieces, responses, length, data[0] & MAY_EDIT, &wire_of_pieces);
	check_wire(&wire_of_pieces, responses, length);
	check_same(whole, pieces);
	check_reference(&whole, &wire, requests, requests_length, responses, length,
	                data[0] & MAY_EDIT);
	if (data[0] & RECORDED)
		record(requests, requests_length, responses, length);
	if (data[0] & INTERLEAVED)
		interleave(requests, requests_length, responses, length);
	return 0;
}
