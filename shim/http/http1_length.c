/* SPDX-License-Identifier: MIT */
#include "http/http1_length.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* `GET / HTTP/1.1`, or `HTTP/1.1 200 `, and two ends of lines. A block must be no longer. */
#define SHORTEST_HEAD 17
/* More digits may not fit. */
#define MOST_DIGITS 18
/* Of a line that counts, with its CR. */
#define LONGEST_LINE 48

/* Sets a bit for each CR and each LF of a block of LENGTH bytes, BLOCK or fewer, at AT. There are BLOCK
 * bytes or more before its end. */
#define BLOCK 16
#ifdef __SSE2__
static inline uint32_t places_of(const char *bytes, char c)
{
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(
		_mm_loadu_si128((const __m128i *)(const void *)bytes), _mm_set1_epi8(c)));
}

/* Reads no byte beyond the last: what is left is searched as the end of a whole block. */
static inline void find_ends(const char *at, unsigned length, uint32_t *ret_cr, uint32_t *ret_lf)
{
	const unsigned skip = BLOCK - length;

	*ret_cr = places_of(at - skip, '\r') >> skip;
	*ret_lf = places_of(at - skip, '\n') >> skip;
}
#else
static inline void find_ends(const char *at, unsigned length, uint32_t *ret_cr, uint32_t *ret_lf)
{
	*ret_cr = *ret_lf = 0;
	for (unsigned i = 0; i < length; i++) {
		*ret_cr |= (uint32_t)(at[i] == '\r') << i;
		*ret_lf |= (uint32_t)(at[i] == '\n') << i;
	}
}
#endif

/* What the lines of a head say. */
struct framing {
	size_t first_line; /* where the second line begins */
	uint64_t content;
	bool has_length, is_chunked;
};

/* Eight characters. Those of the pattern that are small letters also match capital ones. */
static inline uint64_t word_of(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static inline bool matches(const char *bytes, const char *pattern)
{
	const uint64_t wanted = word_of(pattern);
	const uint64_t letters = (wanted & 0x4040404040404040U) >> 1;

	return (word_of(bytes) | letters) == wanted;
}

/* `Content-Length: 1`, with one space and without a leading sign or a list. */
static bool read_length(const char *line, struct framing *framing)
{
	const char *digit = line + strlen("content-length: ");
	int count = 0;

	if (framing->has_length || !matches(line + 8, "length: "))
		return false;
	framing->has_length = true;
	for (; *digit >= '0' && *digit <= '9' && count < MOST_DIGITS; digit++, count++)
		framing->content = framing->content * 10 + (uint64_t)(*digit - '0');
	return count > 0 && *digit == '\r';
}

/* `Transfer-Encoding: chunked`, and nothing else. */
static bool read_coding(const char *line, struct framing *framing)
{
	if (framing->is_chunked || !matches(line + 8, "-encodin") ||
	    !matches(line + 16, "g: chunk"))
		return false;
	framing->is_chunked = true;
	return (line[24] | 0x20) == 'e' && (line[25] | 0x20) == 'd' && line[26] == '\r';
}

static bool read_framing_line(const char *line, struct framing *framing)
{
	if (matches(line, "content-"))
		return (line[8] | 0x20) != 'l' || read_length(line, framing);
	if (matches(line, "transfer"))
		return read_coding(line, framing);
	/* Some servers take an underscore for a hyphen, say. */
	return (word_of(line) | 0x20202020202020U) << 8 != word_of("content") << 8;
}

/* The line is near the end of what is known. */
static __attribute__((noinline)) bool read_last_line(const char *line, size_t n,
                                                     struct framing *framing)
{
	char whole[LONGEST_LINE] = "";

	memcpy(whole, line, n);
	return read_framing_line(whole, framing);
}

/* LINE has N bytes or fewer, and is not empty. Returns false in doubt. */
static inline bool read_line(const char *line, size_t n, struct framing *framing)
{
	const char first = (char)(*line | 0x20), second = (char)(line[1] | 0x20);

	if (!(first == 'c' && second == 'o') && !(first == 't' && second == 'r'))
		return *line > ' ';
	return n < LONGEST_LINE ? read_last_line(line, n, framing)
	                        : read_framing_line(line, framing);
}

/* Reads the lines that begin behind ENDS, of the block at BEGIN. Returns the length of the head if it
 * ends there, or 0. *ret_is_doubtful: nothing that follows says more. */
static inline size_t read_lines(const char *bytes, size_t n, size_t begin, uint32_t ends,
                                uint32_t odd, struct framing *framing, bool *ret_is_doubtful)
{
	for (; ends; ends &= ends - 1) {
		const unsigned place = (unsigned)__builtin_ctz(ends);
		const size_t at = begin + place + 1;

		if (framing->first_line == 0)
			framing->first_line = at;
		if ((odd & ((2U << place) - 1)) || at + 1 >= n)
			break;
		if (bytes[at] == '\r') {
			*ret_is_doubtful = true;
			return bytes[at + 1] == '\n' && at + 2 >= SHORTEST_HEAD ? at + 2 : 0;
		}
		if (!read_line(bytes + at, n - at, framing))
			break;
	}
	*ret_is_doubtful = ends || odd;
	return 0;
}

/* Returns the length of the head, or 0. Each of its lines must end with CR LF, and neither may stand
 * alone. */
static inline size_t read_head(const char *bytes, size_t n, struct framing *ret_framing)
{
	bool is_doubtful = n < SHORTEST_HEAD;
	uint32_t had_cr = 0;
	size_t length = 0;

	*ret_framing = (struct framing){0};
	for (size_t begin = 0; begin < n && length == 0 && !is_doubtful; begin += BLOCK) {
		const unsigned size = n - begin < BLOCK ? (unsigned)(n - begin) : BLOCK;
		uint32_t cr, lf, odd;

		find_ends(bytes + begin, size, &cr, &lf);
		odd = lf ^ (((cr << 1) | had_cr) & ((1U << size) - 1));
		had_cr = cr >> (BLOCK - 1);
		if (lf | odd)
			length = read_lines(bytes, n, begin, lf, odd, ret_framing, &is_doubtful);
	}
	return length;
}

static inline bool is_version(const char *text)
{
	return word_of(text) == word_of("HTTP/1.1") || word_of(text) == word_of("HTTP/1.0");
}

/* LINE has N bytes with its end. A method of capital letters, but not CONNECT; and a version. */
static inline bool is_request_line(const char *line, size_t n)
{
	if (n < strlen("GET / HTTP/1.1\r\n") || !is_version(line + n - 10) || line[n - 11] != ' ')
		return false;
	for (int i = 0; i < 8; i++) {
		if (line[i] == ' ')
			return i >= 3;
		if (line[i] < 'A' || line[i] > 'Z' || (i == 0 && line[i] == 'C'))
			return false;
	}
	return false;
}

uint64_t http1_length_of_request(const char *bytes, size_t n)
{
	struct framing framing;
	const size_t length = read_head(bytes, n, &framing);

	if (length == 0 || framing.is_chunked || !is_request_line(bytes, framing.first_line))
		return 0;
	return length + framing.content;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether the N bytes are chunks, the last one included, without extensions or trailers. */
static bool are_chunks(const char *bytes, size_t n)
{
	size_t at = 0;

	for (;;) {
		size_t size = 0, begin = at;

		for (; at < n && at - begin < 4 && digit_of(bytes[at]) >= 0; at++)
			size = size * 16 + (size_t)digit_of(bytes[at]);
		if (at == begin || n - at < 4 || size > n - at - 4 ||
		    memcmp(bytes + at, "\r\n", 2) != 0 ||
		    memcmp(bytes + at + 2 + size, "\r\n", 2) != 0)
			return false;
		at += 4 + size;
		if (size == 0)
			return at == n;
	}
}

uint64_t http1_length_of_response(const char *bytes, size_t n, bool is_to_head)
{
	struct framing framing;
	const size_t length = read_head(bytes, n, &framing);

	/* `HTTP/1.1 200 `: not an interim response, and not 101 (RFC 9110 §15.2). */
	if (length == 0 || !is_version(bytes) || bytes[8] != ' ' || bytes[9] < '2' ||
	    bytes[9] > '5' || digit_of(bytes[10]) > 9 || digit_of(bytes[10]) < 0 ||
	    digit_of(bytes[11]) > 9 || digit_of(bytes[11]) < 0 || bytes[12] != ' ')
		return 0;
	if (framing.is_chunked && (framing.has_length || bytes[7] == '0'))
		return 0;
	if (is_to_head || memcmp(bytes + 9, "204", 3) == 0 || memcmp(bytes + 9, "304", 3) == 0)
		return length;
	if (framing.is_chunked)
		return are_chunks(bytes + length, n - length) ? n : 0;
	return framing.has_length ? length + framing.content : 0;
}
