/* SPDX-License-Identifier: MIT */
#include "http/http1_length.h"

#include <string.h>

#include "http/http1_lines.h"

/* `HTTP/1.1 200 ` and two ends of lines. */
#define SHORTEST_HEAD 17
/* More digits may not fit. */
#define MOST_DIGITS 18
/* Of a line that counts, with its CR. */
#define LONGEST_LINE 48

/* Eight characters. */
static inline uint64_t word_of(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* What the lines of a head say. */
struct framing {
	uint64_t content;
	bool has_length, is_chunked;
};

/* Of the pattern's eight characters, those that are small letters also match capital ones. */
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

/* LINE has N bytes or fewer, 4 or more, and is not empty. Returns false in doubt. */
static inline bool read_line(const char *line, size_t n, struct framing *framing)
{
	uint32_t start;

	memcpy(&start, line, sizeof(start));
	start |= 0x20202020;
	if (memcmp(&start, "cont", sizeof(start)) != 0 &&
	    memcmp(&start, "tran", sizeof(start)) != 0)
		return *line > ' ';
	return n < LONGEST_LINE ? read_last_line(line, n, framing)
	                        : read_framing_line(line, framing);
}

/* END has N bytes: the end of a line, and the next one. Or a tab, which may stand in a line. */
static inline bool read_end(const char *end, size_t n, struct framing *framing)
{
	if (n < 6)
		return false;
	if (memcmp(end, "\r\n", 2) == 0)
		return read_line(end + 2, n - 2, framing);
	return end[0] == '\t' && (uint8_t)end[1] >= ' ';
}

/* Reads the fields, which begin at FIRST. Returns the length of the head, or 0. Each of its lines must
 * end with CR LF, and neither may stand alone.
 *
 * A control character behind another one is not looked at by itself: it is the LF of a CR, or it begins
 * a line, which none may but the CR of the empty line, or it comes behind a tab, which is doubtful. */
static inline size_t read_fields(const char *bytes, size_t n, size_t first,
                                 struct framing *ret_framing)
{
	uint64_t last = 0;

	*ret_framing = (struct framing){0};
	for (size_t begin = first - 2; begin < n; begin += HTTP1_BLOCK) {
		const uint64_t found = http1_lines_find(bytes, begin, n);

		for (uint64_t ends = found & ~(found << 1 | last); ends; ends &= ends - 1) {
			const size_t at = begin + (unsigned)__builtin_ctzll(ends);
			const char *end = bytes + at;

			if (n - at >= 4 && memcmp(end, "\r\n\r\n", 4) == 0)
				return at + 4;
			if (!read_end(end, n - at, ret_framing))
				return 0;
		}
		last = found >> (HTTP1_BLOCK - 1);
	}
	return 0;
}

static inline bool is_version(const char *text)
{
	return word_of(text) == word_of("HTTP/1.1") || word_of(text) == word_of("HTTP/1.0");
}

/* LINE has N bytes with its end. A method of capital letters, but not CONNECT; and a version. */
static inline bool is_request_line(const char *line, size_t n)
{
	if (n < HTTP1_SHORTEST_REQUEST_LINE || !is_version(line + n - 10) || line[n - 11] != ' ')
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
	const size_t line = http1_lines_second(bytes, n);
	struct framing framing;
	size_t length;

	if (line == 0 || !is_request_line(bytes, line))
		return 0;
	length = read_fields(bytes, n, line, &framing);
	return length == 0 || framing.is_chunked ? 0 : length + framing.content;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int digit_of(char c)
{
	if (is_digit(c))
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

/* `HTTP/1.1 200 `: not an interim response, and not 101 (RFC 9110 §15.2). There are SHORTEST_HEAD
 * bytes or more. */
static inline bool is_status_line(const char *line)
{
	return is_version(line) && line[8] == ' ' && line[9] >= '2' && line[9] <= '5' &&
	       is_digit(line[10]) && is_digit(line[11]) && line[12] == ' ';
}

uint64_t http1_length_of_response(const char *bytes, size_t n, bool is_to_head)
{
	const size_t line = http1_lines_second(bytes, n);
	struct framing framing;
	size_t length;

	if (line == 0 || n < SHORTEST_HEAD || !is_status_line(bytes))
		return 0;
	length = read_fields(bytes, n, line, &framing);
	if (length == 0)
		return 0;
	if (framing.is_chunked && (framing.has_length || bytes[7] == '0'))
		return 0;
	if (is_to_head || memcmp(bytes + 9, "204", 3) == 0 || memcmp(bytes + 9, "304", 3) == 0)
		return length;
	if (framing.is_chunked)
		return are_chunks(bytes + length, n - length) ? n : 0;
	return framing.has_length ? length + framing.content : 0;
}
