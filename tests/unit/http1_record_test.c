/* SPDX-License-Identifier: MIT */
/* What a record of an exchange tells when the drain begins: noted as the wrappers do it, in pieces, then read
 * again.
 * Links: base/clock.c base/vdso.c http/http1_record.c http/exchange.c http/http1.c http/http1_message.c
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
	exchange_sent(FD, &(struct iovec){(char *)switched, strlen(switched)}, 1, strlen(switched));
	expect_number("a tunnel: last move", exchange_last_io(exchange_of(FD)), IO_TUNNELED);
	exchange_begin_anew(FD, EXCHANGE_ACCEPTED);
	expect_number("a new connection: last move", exchange_last_io(exchange_of(FD)), IO_NONE);
	expect_number("a new connection", stand(), HTTP_UNKNOWN);
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
	expect_number("after a change that was left, a request", stand(), HTTP_UNDER_WAY);
	note(exchange_sent, HEAD_OF("2") "ok", strlen(HEAD_OF("2") "ok"), LONG);
	expect_number("after a change that was left, answered", stand(), HTTP_BETWEEN);

	note(exchange_received, GET, 9, LONG);
	leave_a_change();
	note(exchange_received, GET, strlen(GET), LONG);
	expect_number("a request with a piece that may be missing", stand(), HTTP_UNKNOWN);
	note(exchange_sent, HEAD_OF("0"), strlen(HEAD_OF("0")), LONG);
	note(exchange_received, GET, strlen(GET), LONG);
	note(exchange_sent, HEAD_OF("0"), strlen(HEAD_OF("0")), LONG);
	expect_number("and the next one, answered", stand(), HTTP_BETWEEN);
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
	return expect_status();
}
