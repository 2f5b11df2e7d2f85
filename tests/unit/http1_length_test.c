/* SPDX-License-Identifier: MIT */
/* The length of a message at a glance: of ordinary ones it is known, of others nothing is said, and it is
 * the length that the reader of single bytes (http1_message.h) finds, whatever is changed. A request that is
 * like one before is known by that.
 * Links: http/http1_length.c http/http1_message.c
 */
#include "expect.h"
#include "http/http1_length.h"
#include "http/http1_lines.h"
#include "http/http1_message.h"
#include "http1_responses.h"

#include <stdint.h>
#include <stdlib.h>

enum { LONGEST = 2048, CHANGES = 400 };

struct length_case {
	const char *says;
	const char *bytes;
	uint64_t wanted;
};

static const struct length_case requests[] = {
	{"GET", GET, 27},
	{"the shortest", "GET / HTTP/1.1\r\n\r\n", 18},
	{"two at once", GET GET, 27},
	{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 18},
	{"POST", POST, 41},
	{"content that is not there yet", "PUT / HTTP/1.1\r\nContent-Length: 5000000000\r\n\r\n",
         5000000046},
	{"any case", "PUT / HTTP/1.1\r\ncONTENT-lENGTH: 7\r\n\r\n", 44},
	{"fields that begin alike",
         "GET / HTTP/1.1\r\nContent-Type: a\r\nConnection: b\r\nTE: c\r\nTrace: d\r\n\r\n", 67},
	{"half a head", "GET / HTTP/1.1\r\nHost: a\r\n", 0},
	{"half an end", "GET / HTTP/1.1\r\nHost: a\r\n\r", 0},
	{"half a length", "PUT / HTTP/1.1\r\nContent-Length: 5", 0},
	{"bare line feeds", "GET / HTTP/1.1\nHost: abc\n\n", 0},
	{"a CR in a line", "GET / HTTP/1.1\r\nA: b\rContent-Length: 5\r\n\r\n", 0},
	{"a folded line", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 0},
	{"a space before a name", "GET / HTTP/1.1\r\n Content-Length: 5\r\n\r\n", 0},
	{"a space before the colon", "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n", 0},
	{"no space behind it", "GET / HTTP/1.1\r\nContent-Length:5\r\n\r\n", 0},
	{"two lengths", "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 0},
	{"a list of lengths", "GET / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n", 0},
	{"a sign", "GET / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", 0},
	{"no number", "GET / HTTP/1.1\r\nContent-Length: \r\n\r\n", 0},
	{"too many digits", "GET / HTTP/1.1\r\nContent-Length: 1234567890123456789\r\n\r\n", 0},
	{"an underscore", "GET / HTTP/1.1\r\nContent_Length: 5\r\n\r\n", 0},
	{"chunks", "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
	{"CONNECT", "CONNECT a:1 HTTP/1.1\r\n\r\n", 0},
	{"HTTP/0.9", "GET /aaaaaaaaaaaaaaaaaaaaa\r\n\r\n", 0},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
	{"an empty line before", "\r\n" GET, 0},
	{"a tab in a line", "GET / HTTP/1.1\r\nA: b\tc\r\n\r\n", 26},
	{"a tab at the end of a line", "GET / HTTP/1.1\r\nA: b\t\r\nContent-Length: 5\r\n\r\n", 0},
	{"a line feed at the beginning of a line", "GET / HTTP/1.1\r\nA: b\r\n\nC: d\r\n\r\n", 0},
	{"a control character", "GET / HTTP/1.1\r\nA: b\1\r\n\r\n", 0},
	{"another protocol", "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n\r\n", 0},
};

static const struct length_case responses_known[] = {
	{"a length", OK "Content-Length: 2\r\n\r\nok", 40},
	{"content that is not out yet", OK "Content-Length: 2000000\r\n\r\n", 2000044},
	{"not modified", "HTTP/1.1 304 -\r\nContent-Length: 9\r\n\r\n", 37},
	{"no content", "HTTP/1.1 204 -\r\n\r\n", 18},
	{"chunks", OK "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 59},
	{"a chunk that ends like the last one",
         OK "Transfer-Encoding: chunked\r\n\r\n7\r\n10\r\n0\r\n\r\n", 0},
	{"chunks to come", OK "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 0},
	{"trailers", OK "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n", 0},
	{"more than the chunks", OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", 0},
	{"two framings", OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok", 0},
	{"two codings", OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0},
	{"chunks with HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         0},
	{"until the end", OK "Server: a\r\n\r\nall", 0},
	{"interim", "HTTP/1.1 100 Continue\r\n\r\n", 0},
	{"a tunnel", "HTTP/1.1 101 Switching Protocols\r\n\r\n", 0},
	{"no version", "ICY 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
};

/* The length as the reader of single bytes finds it, or 0. */
static uint64_t length_of(const char *bytes, size_t n, bool is_request, bool is_to_head)
{
	struct http1_message message;
	uint64_t at = 0;

	if (is_request)
		http1_message_begin_request(&message);
	else
		http1_message_begin_response(&message);
	while (http1_message_is_under_way(&message) || !http1_message_is_between(&message)) {
		/* Content may be longer than what is there. */
		const uint64_t skipped = http1_message_skip(&message, 1ULL << 60);
		unsigned events;

		at += skipped;
		if (skipped >= 1ULL << 60 || (skipped == 0 && at >= n))
			return 0;
		if (skipped > 0)
			continue;
		events = http1_message_step(&message, (uint8_t)bytes[at++]);
		if (events & HTTP1_BAD)
			return 0;
		if (events & HTTP1_HEAD_END)
			http1_message_begin_content(
				&message, !is_request && (is_to_head || message.status == 204 ||
			                                  message.status == 304));
	}
	return at;
}

/* A copy without anything behind it, for the address sanitizer. */
static uint64_t glance(const char *bytes, size_t n, bool is_request, bool is_to_head)
{
	char *copy = malloc(n ? n : 1);
	uint64_t length;

	memcpy(copy, bytes, n);
	length = is_request ? http1_length_of_request(copy, n)
	                    : http1_length_of_response(copy, n, is_to_head);
	free(copy);
	return length;
}

/* What is right for one reader may be wrong for the other; but no two lengths are. */
static void compare(const char *what, const char *bytes, size_t n, bool is_request)
{
	for (int is_to_head = 0; is_to_head < (is_request ? 1 : 2); is_to_head++) {
		const uint64_t quick = glance(bytes, n, is_request, is_to_head);
		const uint64_t slow = quick ? length_of(bytes, n, is_request, is_to_head) : 0;

		if (quick && slow)
			expect_number(what, (long)quick, (long)slow);
	}
}

static void change(const struct length_case *it, bool is_request)
{
	static const char letters[] = "\r\n\r\n: ,;+-0159aACcTt\t\0{\x1a\x7f";
	const size_t n = strlen(it->bytes);
	char bytes[LONGEST];

	for (int i = 0; i < CHANGES; i++) {
		memcpy(bytes, it->bytes, n);
		for (int changes = 1 + rand() % 3; changes > 0; changes--)
			bytes[(size_t)rand() % n] = letters[(size_t)rand() % (sizeof(letters) - 1)];
		compare(it->says, bytes, n, is_request);
	}
	for (size_t cut = 0; cut <= n; cut++)
		compare(it->says, it->bytes, cut, is_request);
}

static void check(const struct length_case *it, bool is_request)
{
	const size_t n = strlen(it->bytes);

	expect_number(it->says, (long)glance(it->bytes, n, is_request, false), (long)it->wanted);
	change(it, is_request);
}

/* At each place of a block. */
static void check_places(void)
{
	for (size_t length = 1; length < 100; length++) {
		char bytes[LONGEST];
		const size_t n = (size_t)snprintf(
			bytes, sizeof(bytes),
			"PUT /%0*d HTTP/1.1\r\nContent-Length: 7\r\nX: %0*d\r\nY: z\r\n\r\n",
			(int)length, 0, (int)(length * 7 % 50), 0);

		expect_number("any length", (long)glance(bytes, n, true, false), (long)n + 7);
		expect_number("with content", (long)glance(bytes, n - 1, true, false), 0);
	}
}

#define TO(target, rest) "GET " target " HTTP/1.1\r\n" rest
#define FIELDS "Host: localhost\r\nAccept: */*\r\n\r\n"
#define UPLOAD "Host: localhost\r\nContent-Length: 3\r\n\r\nabc"

/* Is the second request like the first? */
static const struct alike_case {
	const char *says;
	const char *known, *bytes;
	bool wanted;
} alike[] = {
	{"the same", TO("/a", FIELDS), TO("/a", FIELDS), true},
	{"another target", TO("/a", FIELDS), TO("/b", FIELDS), true},
	{"a longer one", TO("/a", FIELDS), TO("/a/longer/one?than=before", FIELDS), true},
	{"a shorter one", TO("/a/longer/one?than=after", FIELDS), TO("/", FIELDS), true},
	{"with content", TO("/a", UPLOAD), TO("/abc", UPLOAD), true},
	{"HEAD", "HEAD /a HTTP/1.1\r\n" FIELDS, "HEAD /bc HTTP/1.1\r\n" FIELDS, true},
	{"HEAD, then GET", "HEAD /a HTTP/1.1\r\n" FIELDS, TO("/a", FIELDS), false},
	{"GET, then HEAD", TO("/a", FIELDS), "HEAD /a HTTP/1.1\r\n" FIELDS, false},
	{"a method that begins alike", "PUT /a HTTP/1.1\r\n" UPLOAD, "PUT\t/ HTTP/1.1\r\n" UPLOAD,
         false},
	{"HEAD that is longer", "HEADS /a HTTP/1.1\r\n" FIELDS, "HEAD /a HTTP/1.1\r\n" FIELDS,
         false},
	{"small letters", "OPTIONS /a HTTP/1.1\r\n" FIELDS, "OPTIOns /a HTTP/1.1\r\n" FIELDS,
         false},
	{"another version", TO("/a", FIELDS), "GET /a HTTP/1.0\r\n" FIELDS, false},
	{"another field", TO("/a", FIELDS), TO("/a", "Host: localhosT\r\nAccept: */*\r\n\r\n"),
         false},
	{"a field less", TO("/a", "Content-Length: 5\r\n" FIELDS), TO("/a", FIELDS), false},
	{"a field less, behind what looks like a request line",
         TO("/a", "Content-Length: 5\r\nX: HTTP/1.1\r\n" FIELDS), TO("/a", FIELDS), false},
	{"a field more in the target", TO("/a", FIELDS),
         TO("/a HTTP/1.1\r\nContent-Length: 5\r\nX:", FIELDS), false},
	{"a line feed in the target", TO("/a", FIELDS), TO("/a\nContent-Length:\t5", FIELDS),
         false},
	{"other content", TO("/a", UPLOAD),
         TO("/a", "Host: localhost\r\nContent-Length: 3\r\n\r\nabC"), false},
	{"the end is missing", TO("/a", FIELDS), TO("/a", "Host: localhost\r\nAccept: */*\r\n\r"),
         false},
	{"no target", TO("/a", FIELDS), "GET HTTP/1.1\r\n" FIELDS, false},
	{"no fields", TO("/a", "\r\n"), TO("/b", "\r\n"), false},
};

/* Copies without anything behind them. */
static size_t compare_requests(const char *known, size_t known_n, const char *bytes, size_t n)
{
	char *copy = malloc(n ? n : 1), *known_copy = malloc(known_n);
	size_t line;

	memcpy(copy, bytes, n);
	memcpy(known_copy, known, known_n);
	line = http1_lines_if_alike(copy, n, known_copy, known_n,
	                            http1_lines_second(known_copy, known_n));
	free(copy);
	free(known_copy);
	return line;
}

/* Requests that are alike have the length that each of them has by itself. */
static bool are_alike(const char *what, const char *known, size_t known_n, const char *bytes,
                      size_t n)
{
	const uint64_t length = http1_length_of_request(known, known_n);
	const size_t line = length ? compare_requests(known, known_n, bytes, n) : 0;

	if (line == 0)
		return false;
	expect_number(what, (long)(length + n - known_n), (long)glance(bytes, n, true, false));
	expect_number(what, (long)line, (long)http1_lines_second(bytes, n));
	expect_number(what, memcmp(bytes, "HEAD ", 5) == 0, memcmp(known, "HEAD ", 5) == 0);
	return true;
}

static void change_one(char *bytes, size_t n)
{
	static const char letters[] = "\r\n\r\n: HPGET/1.0\t";

	bytes[(size_t)rand() % n] = letters[(size_t)rand() % (sizeof(letters) - 1)];
}

static void check_alike(const struct alike_case *it)
{
	const size_t known_n = strlen(it->known), n = strlen(it->bytes);
	char known[LONGEST], bytes[LONGEST];

	expect_number(it->says, are_alike(it->says, it->known, known_n, it->bytes, n), it->wanted);
	for (int i = 0; i < CHANGES * 10; i++) {
		memcpy(known, it->known, known_n);
		memcpy(bytes, it->bytes, n);
		change_one(rand() % 4 ? bytes : known, rand() % 4 ? 20 : known_n < n ? known_n : n);
		(void)are_alike(it->says, known, known_n, bytes, n);
		(void)are_alike(it->says, known, known_n, bytes, (size_t)rand() % (n + 1));
	}
}

/* A target of any length, and each place of a change in it. */
static void check_targets(void)
{
	const char *known = TO("/a", FIELDS);

	for (int length = 1; length < 100; length++) {
		char bytes[LONGEST];
		const size_t n =
			(size_t)snprintf(bytes, sizeof(bytes), TO("/%0*d", FIELDS), length, 0);

		expect_number("a target", are_alike("a target", known, strlen(known), bytes, n),
		              true);
		bytes[4 + rand() % (length + 1)] = '\r';
		expect_number("a CR in it", are_alike("a CR", known, strlen(known), bytes, n),
		              false);
	}
}

int main(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		check(&requests[i], true);
	for (size_t i = 0; i < sizeof(responses_known) / sizeof(responses_known[0]); i++)
		check(&responses_known[i], false);
	expect_number("only the head was asked for",
	              (long)glance(OK "Content-Length: 5\r\n\r\n", 38, false, true), 38);
	check_places();
	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++)
		check_alike(&alike[i]);
	check_targets();
	return expect_status();
}
