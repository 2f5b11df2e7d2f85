/* SPDX-License-Identifier: MIT */
/* Owns the search for the ends of lines in the head of an HTTP/1.x message, among the control characters,
 * 16 or 64 bytes at a time; and the question whether a request is like another one. Pure. */
#ifndef OCTOPUS_HTTP1_LINES_H
#define OCTOPUS_HTTP1_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define HTTP1_PIECE 16
#define HTTP1_BLOCK 64

#define HTTP1_SHORTEST_REQUEST_LINE (sizeof("GET / HTTP/1.1\r\n") - 1)
/* With the space before it. */
#define HTTP1_VERSION_AND_END (sizeof(" HTTP/1.1\r\n") - 1)

/* Returns a bit for each byte of a piece that is MOST or below, the lowest for the first byte.
 * Context: any. */
#ifdef __SSE2__
static inline uint64_t http1_lines_up_to(const char *piece, char most)
{
	const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)piece);
	const __m128i lower = _mm_min_epu8(bytes, _mm_set1_epi8(most));

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(lower, bytes));
}
#else
/* The same of 8 bytes; MOST is below 0x7f. No byte carries into the next. The product moves the highest
 * bit of each to one byte. Context: any. */
static inline uint64_t http1_lines_up_to_of_8(const char *bytes, char most)
{
	const uint64_t each = 0x0101010101010101U, highest = each << 7;
	uint64_t word, above;

	memcpy(&word, bytes, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	above = ((word & ~highest) + each * (0x7fU - (unsigned)most)) | word;
	return ((~above & highest) >> 7) * 0x0102040810204080U >> 56;
}

static inline uint64_t http1_lines_up_to(const char *piece, char most)
{
	return http1_lines_up_to_of_8(piece, most) | http1_lines_up_to_of_8(piece + 8, most) << 8;
}
#endif

/* The same for each control character but DEL. Context: any. */
static inline uint64_t http1_lines_controls(const char *piece)
{
	return http1_lines_up_to(piece, ' ' - 1);
}

/* The same for the block that begins at AT, of N bytes, a piece or more. None beyond them is read: what
 * is left is searched as the end of a whole piece. Context: any. */
static inline uint64_t http1_lines_find(const char *bytes, size_t at, size_t n)
{
	uint64_t found = 0;
	unsigned place = 0;

	if (n - at >= HTTP1_BLOCK)
		return http1_lines_controls(bytes + at) |
		       http1_lines_controls(bytes + at + HTTP1_PIECE) << HTTP1_PIECE |
		       http1_lines_controls(bytes + at + 2 * HTTP1_PIECE) << 2 * HTTP1_PIECE |
		       http1_lines_controls(bytes + at + 3 * HTTP1_PIECE) << 3 * HTTP1_PIECE;
	for (; n - at >= HTTP1_PIECE; at += HTTP1_PIECE, place += HTTP1_PIECE)
		found |= http1_lines_controls(bytes + at) << place;
	if (n > at)
		found |= http1_lines_controls(bytes + n - HTTP1_PIECE) >> (HTTP1_PIECE - (n - at))
		                                                                  << place;
	return found;
}

/* Returns where the second line of N bytes begins, or 0: there are less than a piece, or the first line
 * has other control characters, or no end. Context: any. */
static inline size_t http1_lines_second(const char *bytes, size_t n)
{
	uint64_t found = 0;
	size_t at = 0;

	if (n < HTTP1_PIECE)
		return 0;
	for (; !found && at + HTTP1_PIECE <= n; at += HTTP1_PIECE)
		found = http1_lines_controls(bytes + at);
	at -= HTTP1_PIECE;
	if (!found) {
		at = n - HTTP1_PIECE;
		found = http1_lines_controls(bytes + at);
	}
	if (!found)
		return 0;
	at += (unsigned)__builtin_ctzll(found);
	return n - at >= 2 && memcmp(bytes + at, "\r\n", 2) == 0 ? at + 2 : 0;
}

/* Whether none of the first N bytes is a control character. There are HTTP1_PIECE - 1 more or more.
 * Context: any. */
static inline bool http1_lines_are_text(const char *bytes, size_t n)
{
	for (size_t at = 0; at < n; at += HTTP1_PIECE) {
		const uint64_t found = http1_lines_controls(bytes + at);

		if (found && at + (unsigned)__builtin_ctzll(found) < n)
			return false;
	}
	return true;
}

/* Of two request lines, of which one is known to be good. Knows methods of three or four letters.
 * Context: any. */
static inline bool http1_lines_have_same_method(const char *line, const char *known)
{
	return memcmp(line, known, 4) == 0 && line[4] == known[4] &&
	       (line[3] == ' ' || line[4] == ' ');
}

/* Whether a request is like another one whose length is known (http1_length.h). N bytes of it are at BYTES;
 * of the other one KNOWN_N at KNOWN, its head among them, and its second line begins at KNOWN_LINE. They
 * are alike if their methods are the same, and all from the version on, content included. Then their
 * lengths differ as N and KNOWN_N do. Returns where the second line of BYTES begins, or 0 if they are
 * not alike, or in doubt. Context: any. */
static inline size_t http1_lines_if_alike(const char *bytes, size_t n, const char *known,
                                          size_t known_n, size_t known_line)
{
	const size_t same = known_n - known_line + HTTP1_VERSION_AND_END;
	const size_t target = n - same;

	if (known_line < HTTP1_SHORTEST_REQUEST_LINE || same < HTTP1_PIECE ||
	    n < same + HTTP1_SHORTEST_REQUEST_LINE - HTTP1_VERSION_AND_END ||
	    !http1_lines_have_same_method(bytes, known) || !http1_lines_are_text(bytes, target) ||
	    memcmp(bytes + target, known + known_n - same, same) != 0)
		return 0;
	return target + HTTP1_VERSION_AND_END;
}

#endif
