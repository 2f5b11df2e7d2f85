/* SPDX-License-Identifier: MIT */
/* Responses (http1_responses.h) and requests, cut at every byte in every way that a server, its scatter
 * lists and a kernel that takes less can cut them: what goes out is the same each time, and so is
 * how the connection stands in the end.
 * Links: http/http1.c http/http1_message.c http/edits.c
 */
#include "expect.h"
#include "http/http1.h"
#include "http1_responses.h"

#include <stdlib.h>

enum { LONGEST = 2048, PIECES = 2048, FOREVER = 1 << 30 };

/* A text with its length: heads may hold any byte but NUL here; check_nul() has that one. */
struct text {
	char bytes[LONGEST];
	size_t length;
};

static void add(struct text *text, const char *bytes, size_t length)
{
	if (text->length + length > LONGEST)
		abort();
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

static void expect_bytes(const char *what, const struct text *actual, const struct text *wanted)
{
	if (actual->length == wanted->length &&
	    memcmp(actual->bytes, wanted->bytes, actual->length) == 0)
		return;
	printf("%s: got\n%.*s\nexpected\n%.*s\n", what, (int)actual->length, actual->bytes,
	       (int)wanted->length, wanted->bytes);
	expect_misses++;
}

static void read_text(struct http1 *http1, const char *bytes)
{
	const struct iovec iov = {(char *)bytes, strlen(bytes)};

	http1_read(http1, &iov, 1, iov.iov_len);
}

/* How the server writes and the kernel takes. */
struct manner {
	size_t first;   /* the server's first write has so many bytes */
	size_t each;    /* and each further one at most so many */
	size_t segment; /* scatter lists: 0 none, else pieces of 1 to so many bytes, and empty ones */
	size_t first_take; /* the kernel takes so many of the first call */
	size_t take;       /* and of each further one */
	bool may_edit;
};

static const struct manner in_one = {FOREVER, FOREVER, 0, FOREVER, FOREVER, true};

static int scatter(char *bytes, size_t n, size_t segment, struct iovec *ret_iov)
{
	int count = 0;

	if (segment == 0) {
		ret_iov[0] = (struct iovec){bytes, n};
		return 1;
	}
	for (size_t length = 0; n > 0; length = (length + 1) % (segment + 1)) {
		const size_t part = length < n ? length : n;

		if (count + 2 * MOST_EDITS == PIECES)
			abort();
		ret_iov[count++] = (struct iovec){bytes, part};
		bytes += part;
		n -= part;
	}
	return count;
}

/* One call of the server as a wrapper treats it: N bytes from there on, of which the kernel takes TAKE.
 * Returns what the server is told. */
static size_t write_once(struct http1 *http1, char *bytes, size_t n, const struct manner *manner,
                         size_t take, struct text *wire)
{
	struct iovec iov[PIECES], edited[PIECES];
	const int count = scatter(bytes, n, manner->segment, iov);
	const struct http1 before = *http1;
	struct edits edits;
	size_t taken = 0;
	int entries;

	http1_plan(http1, iov, count, manner->may_edit, &edits);
	expect_number("nothing taken", (long)http1_wrote(http1, iov, count, &edits, 0), 0);
	expect_number("a plan changes nothing", memcmp(&before, http1, sizeof(before)), 0);
	entries = edits_apply(iov, count, &edits, edited, PIECES);
	expect_number("room", entries <= count + 2 * edits.count, 1);
	for (int i = 0; i < entries && taken < take; i++) {
		const size_t left = take - taken;
		const size_t length = edited[i].iov_len < left ? edited[i].iov_len : left;

		add(wire, edited[i].iov_base, length);
		taken += length;
	}
	return http1_wrote(http1, iov, count, edits.count ? &edits : NULL, taken);
}

static void write_all(struct http1 *http1, const struct text *text, const struct manner *manner,
                      struct text *wire)
{
	size_t boundary = manner->first, take = manner->first_take;
	char *bytes = malloc(text->length + 1);

	wire->length = 0;
	memcpy(bytes, text->bytes, text->length);
	for (size_t at = 0; at < text->length;) {
		const size_t end = boundary < text->length ? boundary : text->length;

		at += write_once(http1, bytes + at, end - at, manner, take, wire);
		take = manner->take;
		if (at == end)
			boundary = manner->each == FOREVER ? FOREVER : end + manner->each;
	}
	expect_number("the server's bytes", memcmp(bytes, text->bytes, text->length), 0);
	free(bytes);
}

static enum outcome outcome_of(const struct http1 *http1)
{
	if (http1_is_given_up(http1))
		return GIVEN_UP;
	if (http1_close_is_announced(http1))
		return TOLD;
	if (http1_is_idle(http1))
		return IDLE;
	return http1_message_is_under_way(&http1->response) ? OPEN : WAITING;
}

/* A row, taken apart. */
struct row {
	const struct response *response;
	struct text written;
	struct text wanted;
	size_t option;        /* where the first replaced option begins in `written`; 0: none */
	size_t wanted_option; /* the same in `wanted` */
	size_t line_end;      /* of its line, in `wanted`: CR or LF */
	int options;
	bool cuts_option[LONGEST + 1]; /* a write that ends there */
	struct http1 begin;
	struct http1 end;
};

static void begin_option(struct row *row)
{
	if (row->options++ == 0) {
		row->option = row->written.length;
		row->wanted_option = row->wanted.length;
	}
}

static void end_option(struct row *row)
{
	memset(row->cuts_option + row->written.length - 9, true, 10);
	row->wanted.length -= 10;
	add(&row->wanted, "close     ", 10);
}

static void take_apart(const struct response *response, struct row *row)
{
	*row = (struct row){.response = response};
	for (const char *at = response->response; *at; at++) {
		if (*at == '{') {
			begin_option(row);
		} else if (*at == '}') {
			end_option(row);
		} else if (*at == '@') {
			add(&row->wanted, "Connection: close\r\n", 19);
		} else if (*at == '~') {
			add(&row->wanted, ", close", 7);
		} else {
			if (row->options && !row->line_end && strchr("\r\n", *at))
				row->line_end = row->wanted.length;
			add(&row->wanted, at, 1);
			add(&row->written, at, 1);
		}
	}
	read_text(&row->begin, response->requests ? response->requests : GET);
}

/* TEXT says close before the line of its first option ends. */
static bool says_close(const char *text)
{
	const char *end = strpbrk(strchr(text, '{'), "\r\n");
	const char *own = strstr(text, "close"), *appended = strchr(text, '~');

	return (own && own < end) || (appended && appended < end);
}

/* With one option, and a write that ends in it or right behind: it stays, and close is appended, if
 * it was not there. */
static void spare_option(const struct row *row, struct text *wanted)
{
	*wanted = (struct text){.length = 0};
	add(wanted, row->wanted.bytes, row->line_end);
	memcpy(wanted->bytes + row->wanted_option, row->written.bytes + row->option, 10);
	if (!says_close(row->response->response))
		add(wanted, ", close", 7);
	add(wanted, row->wanted.bytes + row->line_end, row->wanted.length - row->line_end);
}

static void check_manner(struct row *row, const struct manner *manner)
{
	const bool is_cut = manner->first <= LONGEST && row->cuts_option[manner->first];
	struct text wire, wanted = row->wanted;
	struct http1 http1 = row->begin;
	char what[256];

	snprintf(what, sizeof(what), "%s (first %zu, each %zu, segments %zu, taken %zu, then %zu)",
	         row->response->name, manner->first, manner->each, manner->segment,
	         manner->first_take, manner->take);
	write_all(&http1, &row->written, manner, &wire);
	if (is_cut && row->options > 1)
		return;
	if (is_cut)
		spare_option(row, &wanted);
	expect_bytes(what, &wire, &wanted);
	if (is_cut && row->response->outcome == TOLD && outcome_of(&http1) == IDLE)
		return; /* its own `close` went out, and no edit */
	expect_number(what, outcome_of(&http1), row->response->outcome);
	http1.announced = http1.announced > 0;
	if (manner == &in_one)
		row->end = http1;
	expect_number(what, memcmp(&http1, &row->end, sizeof(http1)), 0);
}

/* Byte by byte no option can be replaced; whatever else, the same is left in the end. */
static void check_single_bytes(const struct row *row)
{
	const struct manner manner = {1, 1, 0, FOREVER, FOREVER, true};
	struct http1 http1 = row->begin;
	struct text wire;

	write_all(&http1, &row->written, &manner, &wire);
	if (row->options == 0)
		expect_bytes(row->response->name, &wire, &row->wanted);
	if (row->options == 1 && !strstr(row->response->response, "close")) {
		struct text wanted;

		spare_option(row, &wanted);
		expect_bytes(row->response->name, &wire, &wanted);
	}
	if (!strstr(row->response->response, "close"))
		expect_number(row->response->name, outcome_of(&http1), row->response->outcome);
}

static void check_forbidden(const struct row *row)
{
	const struct manner manner = {FOREVER, FOREVER, 0, FOREVER, FOREVER, false};
	struct http1 http1 = row->begin;
	struct text wire;

	write_all(&http1, &row->written, &manner, &wire);
	expect_bytes("not allowed", &wire, &row->written);
	expect_number("not allowed", http1_close_is_announced(&http1), 0);
}

static void check_response(const struct response *response)
{
	static struct row row;

	take_apart(response, &row);
	check_manner(&row, &in_one);
	check_single_bytes(&row);
	check_forbidden(&row);
	for (size_t at = 1; at < row.written.length; at++) {
		const struct manner cut = {at, FOREVER, 0, FOREVER, FOREVER, true};
		const struct manner cut_slowly = {at, FOREVER, 3, 3, 3, true};

		check_manner(&row, &cut);
		check_manner(&row, &cut_slowly);
	}
	for (size_t at = 1; at < row.wanted.length; at++) {
		const struct manner partly = {FOREVER, FOREVER, 0, at, FOREVER, true};
		const struct manner partly_twice = {FOREVER, FOREVER, 5, at, 4, true};

		check_manner(&row, &partly);
		check_manner(&row, &partly_twice);
	}
	for (size_t segment = 1; segment < 20; segment++) {
		const struct manner scattered = {FOREVER, FOREVER, segment, FOREVER, FOREVER, true};
		const struct manner scattered_slowly = {FOREVER, FOREVER, segment, 1, 1, true};

		check_manner(&row, &scattered);
		check_manner(&row, &scattered_slowly);
	}
}

/* Requests: READY is one that is complete, so that its answer is edited. */
static const struct {
	const char *name;
	const char *requests;
	enum { READY, NOT_READY, LOST } outcome;
} requests[] = {
	{"GET", GET, READY},
	{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", READY},
	{"bare line feeds", "GET / HTTP/1.1\nHost: a\n\n", READY},
	{"empty lines before", "\r\n\n\r\n" GET, READY},
	{"empty line behind", GET "\r\n", READY},
	{"a method with a hyphen", "M-SEARCH * HTTP/1.1\r\n\r\n", READY},
	{"an absolute target", "GET http://a/b?c=d HTTP/1.1\r\n\r\n", READY},
	{"a target that is not ASCII", "GET /\xc3\xa4 HTTP/1.1\r\n\r\n", READY},
	{"a length", POST, READY},
	{"no length", "POST / HTTP/1.1\r\n\r\n", READY},
	{"length 0", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", READY},
	{"keep-alive", "GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\n\r\n", READY},
	{"chunks",
         "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n",
         READY},
	{"content that looks like a request",
         "POST / HTTP/1.1\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n", READY},
	{"no end of line", "GET / HTTP/1.1\r\nHost: a\r\n", NOT_READY},
	{"half an end", "GET / HTTP/1.1\r\nHost: a\r\n\r", NOT_READY},
	{"content to come", "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc", NOT_READY},
	{"a chunk to come", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
         NOT_READY},
	{"trailers to come", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
         NOT_READY},
	{"two", GET GET, NOT_READY},
	{"one and a half", GET "GE", NOT_READY},
	{"sixteen", GET GET GET GET GET GET GET GET GET GET GET GET GET GET GET GET, NOT_READY},
	{"seventeen", GET GET GET GET GET GET GET GET GET GET GET GET GET GET GET GET GET, LOST},
	{"HTTP/0.9", "GET /\r\n", LOST},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", LOST},
	{"HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", LOST},
	{"HTTP/1.10", "GET / HTTP/1.10\r\n\r\n", LOST},
	{"TLS", "\x16\x03\x01\x02", LOST},
	{"redis", "*1\r\n$4\r\nPING\r\n", LOST},
	{"memcached", "get key\r\n", LOST},
	{"SMTP", "HELO example\r\n", LOST},
	{"lower case", "get / HTTP/1.1\r\n\r\n", LOST},
	{"a short method", "GE / HTTP/1.1\r\n\r\n", LOST},
	{"no target", "GET  HTTP/1.1\r\n\r\n", LOST},
	{"two spaces", "GET  / HTTP/1.1\r\n\r\n", LOST},
	{"a space in the target", "GET /a b HTTP/1.1\r\n\r\n", LOST},
	{"a tab in the target", "GET /a\tb HTTP/1.1\r\n\r\n", LOST},
	{"a space at the end", "GET / HTTP/1.1 \r\n\r\n", LOST},
	{"no version", "GET / \r\n\r\n", LOST},
	{"folded", "GET / HTTP/1.1\r\nX: y\r\n z\r\n\r\n", LOST},
	{"a space before the colon", "GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc", LOST},
	{"two lengths", "POST / HTTP/1.1\r\n" TWO TWO "\r\nhi", LOST},
	{"length and coding", "POST / HTTP/1.1\r\n" TWO "Transfer-Encoding: chunked\r\n\r\n", LOST},
	{"not chunked", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", LOST},
	{"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", LOST},
	{"a bare CR", "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", LOST},
	{"a bare CR at the end", "GET / HTTP/1.1\r\n\rX", LOST},
};

static void expect_request(const char *name, struct http1 http1, int outcome)
{
	struct text wire, response = {.length = 0};

	expect_number(name, http1_is_given_up(&http1), outcome == LOST);
	expect_number(name, http1_is_idle(&http1), 0);
	add(&response, OK "\r\n", strlen(OK "\r\n"));
	write_all(&http1, &response, &in_one, &wire);
	expect_number(name, wire.length > response.length, outcome == READY);
}

static void check_requests(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		char *bytes = (char *)requests[i].requests;
		const size_t length = strlen(bytes);
		struct iovec iov[PIECES] = {{bytes, length}};
		struct http1 whole = {0};

		http1_read(&whole, iov, 1, length);
		expect_request(requests[i].name, whole, requests[i].outcome);
		for (size_t at = 0; at <= length; at++) {
			struct http1 cut = {0}, scattered = {0};

			iov[0] = (struct iovec){bytes, FOREVER};
			http1_read(&cut, iov, 1, at);
			iov[0].iov_base = bytes + at;
			http1_read(&cut, iov, 1, length - at);
			expect_number(requests[i].name, memcmp(&cut, &whole, sizeof(cut)), 0);
			http1_read(&scattered, iov, scatter(bytes, length, at, iov), length);
			expect_number(requests[i].name, memcmp(&scattered, &whole, sizeof(cut)), 0);
		}
	}
}

/* What a server writes and how it stands then. */
static void check_exchange(struct http1 *http1, const char *what, const char *written,
                           const char *wanted, enum outcome outcome)
{
	struct text text = {.length = 0}, expected = {.length = 0}, wire;

	add(&text, written, strlen(written));
	add(&expected, wanted, strlen(wanted));
	write_all(http1, &text, &in_one, &wire);
	expect_bytes(what, &wire, &expected);
	expect_number(what, outcome_of(http1), outcome);
}

#define TOLD_OK OK "Content-Length: 0\r\nConnection: close\r\n\r\n"
#define PLAIN_OK OK "Content-Length: 0\r\n\r\n"

static void check_one_after_another(void)
{
	struct http1 http1 = {0};

	expect_number("a new connection is idle", outcome_of(&http1), IDLE);
	read_text(&http1, GET);
	expect_number("a request waits", outcome_of(&http1), WAITING);
	check_exchange(&http1, "first", PLAIN_OK, TOLD_OK, TOLD);
	read_text(&http1, GET);
	expect_number("a client that goes on is not asked to close", outcome_of(&http1), WAITING);
	check_exchange(&http1, "second", OK "Connection: close\r\n" TWO "\r\nhi",
	               OK "Connection: close\r\n" TWO "\r\nhi", IDLE);
}

static void check_continue(void)
{
	struct http1 http1 = {0};

	read_text(&http1, "PUT / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	check_exchange(&http1, "interim", "HTTP/1.1 100 Continue\r\n\r\n",
	               "HTTP/1.1 100 Continue\r\n\r\n", WAITING);
	read_text(&http1, "abc");
	check_exchange(&http1, "final", PLAIN_OK, TOLD_OK, TOLD);
}

/* The end of an upload and a second request are read while the answer to the first is written. */
static void check_reads_between(void)
{
	struct http1 http1 = {0};

	read_text(&http1, "PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\n");
	check_exchange(&http1, "early", OK, OK, OPEN);
	read_text(&http1, "abc");
	check_exchange(&http1, "and late", "\r\n", "Connection: close\r\n\r\n", OPEN);
	http1 = (struct http1){0};
	read_text(&http1, GET);
	check_exchange(&http1, "alone", OK, OK, OPEN);
	read_text(&http1, GET);
	check_exchange(&http1, "not alone", TWO "\r\nhi", TWO "\r\nhi", WAITING);
	check_exchange(&http1, "the second", PLAIN_OK, TOLD_OK, TOLD);
}

static void check_sent(void)
{
	const char *head = OK "Content-Length: 5000000000\r\n";
	struct http1 http1 = {0};

	read_text(&http1, GET);
	check_exchange(&http1, "head", head, head, OPEN);
	check_exchange(&http1, "its end", "\r\n", "Connection: close\r\n\r\n", OPEN);
	http1_sent(&http1, 0);
	http1_sent(&http1, 4999999998U);
	expect_number("nearly all", outcome_of(&http1), OPEN);
	check_exchange(&http1, "a tail", "x", "x", OPEN);
	http1_sent(&http1, 1);
	expect_number("all", outcome_of(&http1), TOLD);
	http1_sent(&http1, 1);
	expect_number("too much", outcome_of(&http1), GIVEN_UP);

	http1 = (struct http1){0};
	read_text(&http1, GET);
	http1_sent(&http1, 1);
	expect_number("instead of a head", outcome_of(&http1), GIVEN_UP);
}

/* Nothing makes the library follow again: what looks like a request may be content. */
static void check_given_up(void)
{
	struct http1 http1 = {0};

	http1_give_up(&http1);
	expect_number("nothing was said", http1_state(&http1), HTTP_UNKNOWN);
	read_text(&http1, GET);
	check_exchange(&http1, "given up by the caller", PLAIN_OK, PLAIN_OK, GIVEN_UP);
	http1 = (struct http1){0};
	read_text(&http1, "*1\r\n$4\r\nPING\r\n");
	expect_number("another protocol", http1_state(&http1), HTTP_UNKNOWN);
	http1 = (struct http1){0};
	read_text(&http1, GET);
	check_exchange(&http1, "the middle of another answer", "x" PLAIN_OK, "x" PLAIN_OK,
	               GIVEN_UP);
	expect_number("it was HTTP", http1_state(&http1), HTTP_LOST);
	read_text(&http1, GET);
	check_exchange(&http1, "the next", PLAIN_OK, PLAIN_OK, GIVEN_UP);
}

/* NUL bytes, which the table cannot hold: at each place of a head. */
static void check_nul(void)
{
	const char *head = "HTTP/1.1 200 OK\r\nConnection: x\r\nA: b\r\n\r\n";

	for (size_t at = 0; at < strlen(head); at++) {
		struct text text = {.length = 0}, wire;
		struct http1 http1 = {0};

		add(&text, head, strlen(head));
		text.bytes[at] = '\0';
		read_text(&http1, GET);
		write_all(&http1, &text, &in_one, &wire);
		expect_number("NUL", outcome_of(&http1), GIVEN_UP);
	}
}

/* A server that does not repeat what the kernel did not take gets its bytes out nevertheless. */
static void check_broken_promise(void)
{
	char head[] = OK "Connection: keep-alive\r\n\r\n", other[] = "kex";
	const struct iovec first = {head, strlen(head)}, second = {other, 3};
	struct http1 http1 = {0};
	struct edits edits;

	read_text(&http1, GET);
	http1_plan(&http1, &first, 1, true, &edits);
	expect_number("one edit", edits.count, 1);
	expect_number("three bytes of it", (long)http1_wrote(&http1, &first, 1, &edits, 32), 32);
	http1_plan(&http1, &second, 1, true, &edits);
	expect_number("other bytes", edits.count, 0);
	expect_number("other bytes", (long)http1_wrote(&http1, &second, 1, NULL, 3), 3);
	http1_plan(&http1, &first, 1, true, &edits);
	expect_number("no debt is left", edits.count, 0);
}

/* Less room than is needed is a shorter write. */
static void check_room(void)
{
	char head[] = OK "Connection: keep-alive\r\n\r\n";
	const struct iovec iov = {head, strlen(head)};
	struct iovec edited[4];
	struct http1 http1 = {0};
	struct edits edits;

	read_text(&http1, GET);
	http1_plan(&http1, &iov, 1, true, &edits);
	expect_number("all", edits_apply(&iov, 1, &edits, edited, 4), 3);
	expect_number("two", edits_apply(&iov, 1, &edits, edited, 2), 2);
	expect_number("one", edits_apply(&iov, 1, &edits, edited, 1), 1);
	expect_number("none", edits_apply(&iov, 1, &edits, edited, 0), 0);
}

int main(void)
{
	expect_number("a connection is small", sizeof(struct http1) <= 64, 1);
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++)
		check_response(&responses[i]);
	check_requests();
	check_one_after_another();
	check_continue();
	check_reads_between();
	check_sent();
	check_given_up();
	check_nul();
	check_broken_promise();
	check_room();
	return expect_status();
}
