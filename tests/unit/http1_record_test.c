/* SPDX-License-Identifier: MIT */
/* What a record of an exchange tells when the drain begins: noted as the wrappers do it, in pieces, then read
 * again.
 * Links: base/clock.c base/vdso.c http/http1_record.c http/http1_length.c http/exchange.c http/http1.c http/http1_message.c
 * Links: http/edits.c http/http2.c http/http2_record.c
 */
#include "expect.h"
#include "http/http1_record.h"
#include "http/exchange.h"
#include "kernel/sandbox.h"

#include <stdlib.h>

#define GET "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define HEAD_OF(n) "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

enum { FD = 5, LONG = 5000 };

_Atomic uint32_t sandbox_deadly;

/* READ, then WRITTEN, then FILE bytes from a file. */
struct replay_case {
	const char *says;
	const char *read, *written;
	unsigned file;
	enum http_state wanted;
};

static const struct replay_case cases[] = {
	{"nothing", "", "", 0, HTTP_UNKNOWN},
	{"a request", GET, "", 0, HTTP_UNDER_WAY},
	{"half a request", "GET /a HT", "", 0, HTTP_UNDER_WAY},
	{"answered", GET, HEAD_OF("2") "ok", 0, HTTP_BETWEEN},
	{"answered without a word", GET, HEAD_OF("0"), 0, HTTP_BETWEEN},
	{"the head only", GET, HEAD_OF("2"), 0, HTTP_UNDER_WAY},
	{"half the head", GET, "HTTP/1.1 200 OK\r\nCont", 0, HTTP_UNDER_WAY},
	{"one byte to go", GET, HEAD_OF("3") "ok", 0, HTTP_UNDER_WAY},
	{"from a file", GET, HEAD_OF("70000"), 70000, HTTP_BETWEEN},
	{"from a file that is not out", GET, HEAD_OF("70000"), 69999, HTTP_UNDER_WAY},
	{"chunks", GET, CHUNKED "2\r\nok\r\n0\r\n\r\n", 0, HTTP_BETWEEN},
	{"chunks, and more to come", GET, CHUNKED "2\r\nok\r\n", 0, HTTP_UNDER_WAY},
	{"chunks with trailers", GET, CHUNKED "2\r\nok\r\n0\r\nA: b\r\n\r\n", 0, HTTP_BETWEEN},
	{"not modified", GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 0,
         HTTP_BETWEEN},
	{"only the head was asked for", "HEAD /a HTTP/1.1\r\n\r\n", HEAD_OF("2"), 0, HTTP_BETWEEN},
	{"until the end", GET, "HTTP/1.1 200 OK\r\n\r\nall", 0, HTTP_UNDER_WAY},
	{"two at once, one answered", GET GET, HEAD_OF("2") "ok", 0, HTTP_UNDER_WAY},
	{"two at once, both answered", GET GET, HEAD_OF("2") "ok" HEAD_OF("1") "k", 0,
         HTTP_BETWEEN},
	{"content that is not read", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", "", 0,
         HTTP_UNDER_WAY},
	{"content that is", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", HEAD_OF("0"), 0,
         HTTP_BETWEEN},
	{"another protocol", "*1\r\n$4\r\nPING\r\n", "+PONG\r\n", 0, HTTP_UNKNOWN},
	{"a greeting", "", "220 ready\r\n", 0, HTTP_UNKNOWN},
};

static void note(void (*as)(int, const struct iovec *, int, size_t), const char *bytes, size_t n,
                 size_t cut)
{
	for (size_t at = 0; at < n; at += cut) {
		const size_t length = n - at < cut ? n - at : cut;
		const struct iovec parts[] = {
			{(char *)bytes + at, length / 2},
			{(char *)bytes + at + length / 2, length - length / 2 + 7}};

		as(FD, parts, 2, length);
	}
}

static enum http_state stand(void)
{
	struct exchange_record record;
	uint32_t changes;
	struct http1 http1;

	return exchange_recall(FD, &record, &changes) ? http1_record_read(&record, &http1)
	                                              : HTTP_CLOSE_ANNOUNCED;
}

/* What the server asked for is longer than what it got, and what it wrote than what went out. */
static void try_case(const struct replay_case *it, size_t cut)
{
	char what[120], *read = calloc(1, strlen(it->read) + 16),
			*written = calloc(1, strlen(it->written) + 16);

	snprintf(what, sizeof(what), "%s, %zu at a time", it->says, cut);
	memcpy(read, it->read, strlen(it->read));
	memcpy(written, it->written, strlen(it->written));
	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	note(exchange_received, read, strlen(it->read), cut);
	note(exchange_sent, written, strlen(it->written), cut);
	if (it->file)
		exchange_sent_file(FD, it->file);
	expect_number(what, stand(), it->wanted);
	free(read);
	free(written);
}

/* More than the record keeps. */
static void try_long(void)
{
	static char text[LONG + 100];
	const struct iovec part = {text, LONG};

	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	note(exchange_received, GET, strlen(GET), LONG);
	strcpy(text, HEAD_OF("5000"));
	exchange_sent(FD, &part, 1, strlen(text));
	memset(text, 'x', LONG);
	exchange_sent(FD, &part, 1, LONG - 1);
	expect_number("long, one byte to go", stand(), HTTP_UNDER_WAY);
	exchange_sent(FD, &part, 1, 1);
	expect_number("long", stand(), HTTP_BETWEEN);

	note(exchange_received, GET, strlen(GET), LONG);
	strcpy(text, CHUNKED "1388\r\n");
	exchange_sent(FD, &part, 1, strlen(text));
	memset(text, 'x', LONG);
	exchange_sent(FD, &part, 1, LONG);
	expect_number("long, in chunks, to go on", stand(), HTTP_UNDER_WAY);
	strcpy(text, "\r\n0\r\n\r\n");
	exchange_sent(FD, &part, 1, 5);
	expect_number("long, in chunks, not quite", stand(), HTTP_UNDER_WAY);
	exchange_sent(FD, &(struct iovec){text + 5, 2}, 1, 2);
	expect_number("long, in chunks", stand(), HTTP_BETWEEN);
}

/* Bytes that nobody keeps, with others before and after. */
static void try_gaps(void)
{
	static char text[LONG];
	const char *upload = "POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n";
	const char *answer = HEAD_OF("0"), *chunk = CHUNKED "5\r\n", *end = "\r\n0\r\n\r\n";

	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	exchange_received(FD, &(struct iovec){(char *)upload, strlen(upload)}, 1, strlen(upload));
	exchange_received(FD, &(struct iovec){text, LONG}, 1, LONG - 1);
	exchange_sent(FD, &(struct iovec){(char *)answer, strlen(answer)}, 1, strlen(answer));
	expect_number("an upload that is answered early", stand(), HTTP_UNDER_WAY);
	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	exchange_received(FD, &(struct iovec){(char *)upload, strlen(upload)}, 1, strlen(upload));
	exchange_received(FD, &(struct iovec){text, LONG}, 1, LONG);
	exchange_sent(FD, &(struct iovec){(char *)answer, strlen(answer)}, 1, strlen(answer));
	expect_number("an upload", stand(), HTTP_BETWEEN);

	note(exchange_received, GET, strlen(GET), LONG);
	exchange_sent(FD, &(struct iovec){(char *)chunk, strlen(chunk)}, 1, strlen(chunk));
	exchange_sent_file(FD, 5);
	expect_number("a file in a chunk", stand(), HTTP_UNDER_WAY);
	exchange_sent(FD, &(struct iovec){(char *)end, strlen(end)}, 1, strlen(end));
	expect_number("a file in a chunk, and its end", stand(), HTTP_BETWEEN);
}

static void try_interim(void)
{
	const char *upload = "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
	const char *go_on = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *switched = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	exchange_received(FD, &(struct iovec){(char *)upload, strlen(upload)}, 1, strlen(upload));
	exchange_sent(FD, &(struct iovec){(char *)go_on, strlen(go_on)}, 1, strlen(go_on));
	expect_number("told to go on: last move", exchange_last_io(exchange_of(FD)), IO_RECEIVED);
	expect_number("told to go on", stand(), HTTP_UNDER_WAY);
	exchange_received(FD, &(struct iovec){"abc", 3}, 1, 3);
	exchange_sent(FD, &(struct iovec){HEAD_OF("0"), strlen(HEAD_OF("0"))}, 1,
	              strlen(HEAD_OF("0")));
	expect_number("told to go on, and answered", stand(), HTTP_BETWEEN);
	exchange_received(FD, &(struct iovec){(char *)upload, strlen(upload)}, 1, strlen(upload));
	exchange_sent(FD, &(struct iovec){(char *)switched, strlen(switched)}, 1, strlen(switched));
	expect_number("a tunnel: last move", exchange_last_io(exchange_of(FD)), IO_TUNNELED);
	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	expect_number("a new connection: last move", exchange_last_io(exchange_of(FD)), IO_NONE);
	expect_number("a new connection", stand(), HTTP_UNKNOWN);
}

static void receive(const char *bytes, size_t n)
{
	exchange_received_bytes(FD, bytes, n);
}

static void answer(const char *bytes, size_t n)
{
	exchange_written(FD, &(struct iovec){(char *)bytes, n}, 1, n);
}

/* A thread was thrown out of a change: the version stays odd. */
static void leave_a_change(void)
{
	atomic_fetch_add(&exchange_of(FD)->changes, 1);
}

static void try_left(void)
{
	exchange_begin_anew(FD, true);
	leave_a_change();
	expect_number("in a change", stand(), HTTP_CLOSE_ANNOUNCED);
	note(exchange_received, GET, strlen(GET), LONG);
	expect_number("after a change that was left, a request", stand(), HTTP_UNKNOWN);
	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	note(exchange_received, GET, strlen(GET), LONG);
	note(exchange_sent, HEAD_OF("0"), strlen(HEAD_OF("0")), LONG);
	expect_number("the next connection", stand(), HTTP_BETWEEN);
	note(exchange_received, GET, 9, LONG);
	leave_a_change();
	note(exchange_received, GET, strlen(GET), LONG);
	expect_number("a request with a piece that may be missing", stand(), HTTP_LOST);
	note(exchange_sent, HEAD_OF("0"), strlen(HEAD_OF("0")), LONG);
	note(exchange_received, GET, strlen(GET), LONG);
	note(exchange_sent, HEAD_OF("0"), strlen(HEAD_OF("0")), LONG);
	expect_number("nobody knows whether the next one begins there", stand(), HTTP_LOST);
	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	receive(GET, strlen(GET));
	answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
	leave_a_change();
	receive(GET, strlen(GET));
	expect_number("a request after a piece that may be missing", stand(), HTTP_LOST);
}

/* Makes a head of N bytes of START, which has no end yet. */
static const char *make_head(char *to, const char *start, size_t n)
{
	memset(to, 'c', n);
	memcpy(to, start, strlen(start));
	memcpy(to + n - 4, "\r\n\r\n", 5);
	return to;
}

/* Heads that are longer than what is kept. */
static void try_long_heads(void)
{
	static const size_t lengths[] = {900, 982, 983, 1000, 1100, 8000, 60000};
	static char text[65536];
	char what[64];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const size_t n = lengths[i];

		exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
		for (int round = 0; round < 3; round++) {
			snprintf(what, sizeof(what), "a head of %zu, round %d", n, round);
			make_head(text, "GET / HTTP/1.1\r\nCookie: ", n);
			receive(text, n / 3);
			expect_number(what, stand(), HTTP_UNDER_WAY);
			receive(text + n / 3, n - n / 3);
			expect_number(what, stand(), HTTP_UNDER_WAY);
			make_head(text, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: ", n);
			answer(text, n);
			expect_number(what, stand(), HTTP_UNDER_WAY);
			answer("pong\n", 5);
			expect_number(what, stand(), HTTP_BETWEEN);
			receive(GET, strlen(GET));
			answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
			expect_number(what, stand(), HTTP_BETWEEN);
		}
	}
}

/* The end of the last chunk is where the sizes say. */
static void try_chunks(void)
{
	static char rows[3000];
	const size_t n = sizeof(rows);

	memset(rows, 'r', n);
	memcpy(rows + n - 7, "10\r\n\r\n", 6);
	memcpy(rows + n - 5, "0\r\n\r\n", 5);
	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	receive(GET, strlen(GET));
	answer(CHUNKED "bb8\r\n", strlen(CHUNKED "bb8\r\n"));
	answer(rows, n);
	expect_number("a row that ends like the last chunk", stand(), HTTP_UNDER_WAY);
	answer("\r\n", 2);
	expect_number("its chunk", stand(), HTTP_UNDER_WAY);
	answer("3\r\nab", 5);
	expect_number("a pause in a chunk", stand(), HTTP_UNDER_WAY);
	answer("c\r\n0\r\n", 6);
	expect_number("nearly the end", stand(), HTTP_UNDER_WAY);
	answer("\r\n", 2);
	expect_number("the end", stand(), HTTP_BETWEEN);
}

/* What a client sends, or gets back, looks like messages; the head came in an exchange before. */
static void try_early_answer(void)
{
	const char *upload = "POST / HTTP/1.1\r\nContent-Length: 200\r\n\r\n";
	const char *body = "HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n";
	static char rest[200];

	memset(rest, 'b', sizeof(rest));
	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	receive(upload, strlen(upload));
	answer(HEAD_OF("2") "ok", strlen(HEAD_OF("2") "ok"));
	expect_number("answered before the body", stand(), HTTP_UNDER_WAY);
	receive(body, strlen(body));
	expect_number("a body like requests", stand(), HTTP_UNDER_WAY);
	receive(rest, sizeof(rest) - strlen(body));
	expect_number("all of the body", stand(), HTTP_BETWEEN);
	receive(GET, strlen(GET));
	expect_number("a request", stand(), HTTP_UNDER_WAY);
	answer(HEAD_OF("2") "ok", strlen(HEAD_OF("2") "ok"));
	expect_number("its answer", stand(), HTTP_BETWEEN);

	receive("GET / HTTP/1.1\r\n\r\n", strlen("GET / HTTP/1.1\r\n\r\n"));
	answer(HEAD_OF("80") "HTTP/1.1", strlen(HEAD_OF("80") "HTTP/1.1"));
	receive(GET, strlen(GET));
	answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
	expect_number("a body like a response, with a request in between", stand(), HTTP_UNDER_WAY);
	answer(rest, 80 - strlen("HTTP/1.1") - strlen(HEAD_OF("0")));
	answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
	expect_number("both are answered", stand(), HTTP_BETWEEN);
	answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
	expect_number("an answer to nothing", stand(), HTTP_LOST);
	receive(GET, strlen(GET));
	expect_number("and a request", stand(), HTTP_LOST);
}

/* Bytes that nobody sees may be content, and nothing else. */
static void try_unseen(void)
{
	const char *upload = "POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n";

	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	receive(upload, strlen(upload));
	exchange_received_unseen(FD, 4999);
	answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
	expect_number("content that is spliced, one byte to go", stand(), HTTP_UNDER_WAY);
	exchange_received_unseen(FD, 1);
	expect_number("content that is spliced", stand(), HTTP_BETWEEN);
	exchange_received_unseen(FD, 1);
	expect_number("a request that is spliced", stand(), HTTP_LOST);
}

static bool keeps(const char *request)
{
	const struct exchange_record *record = &exchange_of(FD)->record;
	const struct exchange_side *side = &record->request;

	return side->kept == strlen(request) && memcmp(side->bytes, request, side->kept) == 0 &&
	       (record->line == 0 || strncmp(request + record->line, "Host", 4) == 0);
}

#define FIELDS "Host: localhost\r\nAccept: */*\r\nUser-Agent: a browser\r\n\r\n"
#define OTHERS "Host: localhost\r\nAccept: */*\r\nUser-Agent: one more\r\n\r\n"

/* What is the same as in the exchange before is not read again; what is kept is this exchange. */
static void try_alike(void)
{
	static const char *const requests[] = {
		"GET /a HTTP/1.1\r\n" FIELDS,  "GET /b HTTP/1.1\r\n" FIELDS,
		"GET /b HTTP/1.1\r\n" FIELDS,  "GET /much/longer HTTP/1.1\r\n" FIELDS,
		"GET / HTTP/1.1\r\n" FIELDS,   "GET / HTTP/1.1\r\n" OTHERS,
		"GET /ab HTTP/1.1\r\n" OTHERS, "HEAD / HTTP/1.1\r\n" OTHERS,
		"HEAD /a HTTP/1.1\r\n" OTHERS, "GET /a HTTP/1.1\r\n" OTHERS,
	};

	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	for (size_t i = 0; i < 100; i++) {
		const char *request = requests[rand() % 10];
		const bool is_head = request[0] == 'H';
		const size_t n = strlen(request), half = rand() % 3 ? 0 : (size_t)rand() % n;

		if (half)
			receive(request, half);
		receive(request + half, n - half);
		expect_number(request, keeps(request), true);
		expect_number(request, stand(), HTTP_UNDER_WAY);
		answer(HEAD_OF("2"), strlen(HEAD_OF("2")));
		expect_number("its head", stand(), is_head ? HTTP_BETWEEN : HTTP_UNDER_WAY);
		if (is_head)
			continue;
		if (rand() % 2)
			exchange_sent_file(FD, 2);
		else
			answer("ok", 2);
		expect_number("its answer", stand(), HTTP_BETWEEN);
	}
}

/* The same response has another length where it answers another method. What a client sends meanwhile, and
 * gets back, is no boundary. */
static void try_other_method(bool in_parts)
{
	static char body[2000];
	const char *head = "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n";
	const char *upload = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n";
	const size_t n = strlen(upload);

	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	receive(head, strlen(head));
	answer(HEAD_OF("83"), strlen(HEAD_OF("83")));
	memset(body, 'b', sizeof(body));
	if (in_parts)
		note(exchange_received, upload, n, n);
	else
		receive(upload, n);
	receive(body, 1000);
	receive(body, 1000);
	expect_number("an upload after HEAD", stand(), HTTP_UNDER_WAY);
	answer(HEAD_OF("83"), strlen(HEAD_OF("83")));
	expect_number("its content is to come", stand(), HTTP_UNDER_WAY);
	receive(GET, strlen(GET));
	answer(HEAD_OF("2") "ok", strlen(HEAD_OF("2") "ok"));
	expect_number("the content is like a response", stand(), HTTP_UNDER_WAY);
	answer(body, 83 - strlen(HEAD_OF("2") "ok"));
	expect_number("all of it, and one request to answer", stand(), HTTP_UNDER_WAY);
	answer(HEAD_OF("2") "ok", strlen(HEAD_OF("2") "ok"));
	expect_number("both are answered", stand(), HTTP_BETWEEN);
}

/* A request and a response that are the same as before, but for what comes after them. */
static void try_same_heads(void)
{
	const char *upload = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n";
	const struct iovec parts[] = {{(char *)HEAD_OF("4"), strlen(HEAD_OF("4"))}, {"done", 4}};

	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	for (int round = 0; round < 4; round++) {
		receive(upload, strlen(upload));
		expect_number("an upload", stand(), HTTP_UNDER_WAY);
		receive("body", 4);
		exchange_written(FD, parts, 2, parts[0].iov_len + (round % 2 ? 4 : 3));
		expect_number("its answer", stand(), round % 2 ? HTTP_BETWEEN : HTTP_UNDER_WAY);
		if (round % 2 == 0)
			answer("e", 1);
		expect_number("all of its answer", stand(), HTTP_BETWEEN);
	}
	receive(upload, strlen(upload));
	exchange_written(FD, parts, 2, parts[0].iov_len + 4);
	expect_number("answered early", stand(), HTTP_UNDER_WAY);
	receive("GET ", 4);
	expect_number("its body", stand(), HTTP_BETWEEN);
	receive(upload, strlen(upload));
	receive("bodyGET", 7);
	exchange_written(FD, parts, 2, parts[0].iov_len + 4);
	expect_number("a request has begun behind it", stand(), HTTP_UNDER_WAY);
	receive(" / HTTP/1.1\r\n\r\n", 15);
	answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
	expect_number("and is answered", stand(), HTTP_BETWEEN);
}

/* A request is the same as before as far as it is kept, and answered before all of it is there. */
static void try_same_start(void)
{
	static char text[1200];

	make_head(text, "PUT /a HTTP/1.1\r\nContent-Length: 40\r\nX: ", EXCHANGE_KEPT);
	strcpy(text + EXCHANGE_KEPT, GET "and so on....");
	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	receive(text, EXCHANGE_KEPT);
	receive(text + EXCHANGE_KEPT, 40);
	answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
	expect_number("as much as is kept", stand(), HTTP_BETWEEN);
	receive(text, EXCHANGE_KEPT);
	answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
	expect_number("the same, answered early", stand(), HTTP_UNDER_WAY);
	receive(text + EXCHANGE_KEPT, strlen(GET));
	answer(HEAD_OF("0"), strlen(HEAD_OF("0")));
	expect_number("its content is like a request", stand(), HTTP_LOST);
}

int main(void)
{
	static const size_t cuts[] = {1, 2, 3, 7, 64, LONG};

	exchange_begin(false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t j = 0; j < sizeof(cuts) / sizeof(cuts[0]); j++)
			try_case(&cases[i], cuts[j]);
	}
	try_long();
	try_gaps();
	try_interim();
	try_left();
	try_long_heads();
	try_chunks();
	try_early_answer();
	try_unseen();
	try_alike();
	try_other_method(false);
	try_other_method(true);
	try_same_heads();
	try_same_start();
	return expect_status();
}
