/* SPDX-License-Identifier: MIT */
/* Owns the responses that http1_test.c writes, and what becomes of each. In a response `{...}` is an
 * option that is replaced by `close` and spaces, `@` is where a Connection line is inserted and `~`
 * where `, close` is appended; without these three it is what the server writes. */
#ifndef TESTS_UNIT_HTTP1_RESPONSES_H
#define TESTS_UNIT_HTTP1_RESPONSES_H

#include <stddef.h>

/* How the connection stands in the end. */
enum outcome {
	TOLD,     /* complete, and the client knows */
	IDLE,     /* complete, and no edit announced the close */
	OPEN,     /* the response is not complete, as far as one can know */
	WAITING,  /* complete, but another request waits, or this one has not been read */
	GIVEN_UP, /* not HTTP/1.x, or in doubt */
};

struct response {
	const char *name;
	const char *requests; /* all read before; NULL: a plain GET */
	const char *response;
	enum outcome outcome;
};

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
#define OLD "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define TWO "Content-Length: 2\r\n"
#define END "@\r\nhi"

static const struct response responses[] = {
	/* As the servers write them. */
	{"nginx", NULL,
         OK "Server: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Type: "
            "text/html\r\n"
            "Content-Length: 2\r\nLast-Modified: Sun, 22 Nov 2026 09:00:00 GMT\r\n"
            "Connection: {keep-alive}\r\nETag: \"6561f0a0-2\"\r\nAccept-Ranges: bytes\r\n\r\nhi",
         TOLD},
	{"nginx, chunked", NULL,
         OK "Server: nginx\r\nTransfer-Encoding: chunked\r\nConnection: {keep-alive}\r\n\r\n"
            "2\r\nhi\r\n0\r\n\r\n",
         TOLD},
	{"node", NULL,
         OK "Date: Sun, 22 Nov 2026 10:00:00 GMT\r\nConnection: {keep-alive}\r\n"
            "Keep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nhi",
         TOLD},
	{"node, chunked", NULL,
         OK
         "Connection: {keep-alive}\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "a\r\n0123456789\r\n0\r\n\r\n",
         TOLD},
	{"apache", NULL,
         OK
         "Server: Apache/2.4.57 (Debian)\r\nContent-Length: 2\r\nKeep-Alive: timeout=5, max=100\r\n"
         "Connection: {Keep-Alive}\r\nContent-Type: text/html\r\n\r\nhi",
         TOLD},
	{"apache, offering h2c", NULL,
         OK "Upgrade: h2,h2c\r\nConnection: Upgrade, {Keep-Alive}\r\n" TWO "\r\nhi", TOLD},
	{"gunicorn", NULL,
         OK "Server: gunicorn\r\nDate: x\r\nConnection: {keep-alive}\r\n"
            "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
         TOLD},
	{"gunicorn, closing", NULL, OK "Server: gunicorn\r\nConnection: close\r\n" TWO "\r\nhi",
         IDLE},
	{"http.server", NULL,
         OK "Server: SimpleHTTP/0.6 Python/3.11.2\r\nContent-type: text/html\r\n" TWO END, TOLD},
	{"http.server, HTTP/1.0", OLD,
         "HTTP/1.0 200 OK\r\nServer: SimpleHTTP/0.6 Python/3.11.2\r\n" TWO "\r\nhi", IDLE},
	{"haproxy", NULL,
         "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\ncache-control: no-cache\r\n"
         "content-type: text/html\r\n" END,
         TOLD},
	{"IIS", NULL,
         OK "Content-Type: text/html\r\nServer: Microsoft-IIS/10.0\r\nX-Powered-By: ASP.NET\r\n"
            "Content-Length: 2\r\n" END,
         TOLD},
	{"Go", NULL,
         OK "Date: x\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\n" END,
         TOLD},
	{"tomcat", NULL,
         "HTTP/1.1 200 \r\nContent-Length: 2\r\nKeep-Alive: timeout=60\r\n"
         "Connection: {keep-alive}\r\n\r\nhi",
         TOLD},
	{"no reason, no space", NULL, "HTTP/1.1 200\r\n" TWO END, TOLD},
	{"a reason of several words, not all ASCII", NULL,
         "HTTP/1.1 404 Nicht gefunden \xc3\xa4\r\n" TWO END, TOLD},

	/* The Connection line. */
	{"close", NULL, OK "Connection: close\r\n" TWO "\r\nhi", IDLE},
	{"Close", NULL, OK "connection: Close\r\n" TWO "\r\nhi", IDLE},
	{"close among others", NULL, OK "Connection: Upgrade,close\r\n" TWO "\r\nhi", IDLE},
	{"both", NULL, OK "Connection: close, {keep-alive}\r\n" TWO "\r\nhi", TOLD},
	{"keep-alive first", NULL, OK "Connection: {keep-alive}, Upgrade\r\n" TWO "\r\nhi", TOLD},
	{"keep-alive in the middle", NULL, OK "Connection: a,{keep-alive},b\r\n" TWO "\r\nhi",
         TOLD},
	{"no space", NULL, OK "Connection:{keep-alive}\r\n" TWO "\r\nhi", TOLD},
	{"tabs", NULL, OK "Connection:\t{keep-alive}\t \r\n" TWO "\r\nhi", TOLD},
	{"spaces around the comma", NULL, OK "Connection: x , {keep-alive} ,y\r\n" TWO "\r\nhi",
         TOLD},
	{"mixed case", NULL, OK "cOnNeCtIoN: {KeeP-aLivE}\r\n" TWO "\r\nhi", TOLD},
	{"empty elements", NULL, OK "Connection: ,, {keep-alive},,\r\n" TWO "\r\nhi", TOLD},
	{"no option at all", NULL, OK "Connection: \r\n" TWO END, TOLD},
	{"only commas", NULL, OK "Connection: , ,\r\n" TWO END, TOLD},
	{"another option", NULL, OK "Connection: Upgrade~\r\n" TWO "\r\nhi", TOLD},
	{"another option, spaces behind", NULL, OK "Connection: Upgrade \t~\r\n" TWO "\r\nhi",
         TOLD},
	{"twice", NULL, OK "Connection: {keep-alive}\r\nConnection: {keep-alive}\r\n" TWO "\r\nhi",
         TOLD},
	{"once each", NULL, OK "Connection: {keep-alive}\r\nConnection: close\r\n" TWO "\r\nhi",
         TOLD},
	{"another, and then keep-alive", NULL,
         OK "Connection: x~\r\nConnection: {keep-alive}\r\n" TWO "\r\nhi", TOLD},
	{"five times", NULL,
         OK "Connection: {keep-alive},{keep-alive}, {keep-alive},keep-alive, keep-alive\r\n" TWO
            "\r\nhi",
         TOLD},
	{"the last line", NULL, OK TWO "Connection: {keep-alive}\r\n\r\nhi", TOLD},
	{"longer than keep-alive", NULL, OK "Connection: keep-alive2~\r\n" TWO "\r\nhi", TOLD},
	{"shorter than keep-alive", NULL, OK "Connection: keep-aliv~\r\n" TWO "\r\nhi", TOLD},
	{"ends in keep-alive", NULL, OK "Connection: not-keep-alive~\r\n" TWO "\r\nhi", TOLD},
	{"longer than close", NULL, OK "Connection: closed~\r\n" TWO "\r\nhi", TOLD},
	{"options without a comma", NULL, OK "Connection: x keep-alive\r\n" TWO "\r\nhi", GIVEN_UP},
	{"quoted", NULL, OK "Connection: \"keep-alive\"\r\n" TWO "\r\nhi", GIVEN_UP},
	{"Proxy-Connection", NULL, OK "Proxy-Connection: keep-alive\r\n" TWO END, TOLD},
	{"X-Connection", NULL, OK "X-Connection: keep-alive\r\n" TWO END, TOLD},
	{"Connection-X", NULL, OK "Connection-X: keep-alive\r\n" TWO END, TOLD},
	{"Connect", NULL, OK "Connect: keep-alive\r\n" TWO END, TOLD},
	{"in another line's value", NULL, OK "X: Connection: keep-alive\r\n" TWO END, TOLD},
	{"in the reason", NULL, "HTTP/1.1 200 Connection: keep-alive\r\n" TWO END, TOLD},

	/* How content ends. */
	{"nothing but a length", NULL, OK TWO END, TOLD},
	{"no content", NULL, OK "Content-Length: 0\r\n@\r\n", TOLD},
	{"spaces around the length", NULL, OK "Content-Length:\t 2 \t\r\n" END, TOLD},
	{"zeros before the length", NULL, OK "Content-Length: 0000000000000000000000002\r\n" END,
         TOLD},
	{"until closed", NULL, OK "Content-Type: x\r\n@\r\nas long as it takes", OPEN},
	{"no fields at all", NULL, OK "@\r\nas long as it takes", OPEN},
	{"not all yet", NULL, OK "Content-Length: 10\r\n@\r\nhi", OPEN},
	{"HEAD", HEAD, OK "Content-Length: 500\r\nConnection: {keep-alive}\r\n\r\n", TOLD},
	{"HEAD, chunked", HEAD, OK "Transfer-Encoding: chunked\r\n@\r\n", TOLD},
	{"HEAD, no length", HEAD, OK "@\r\n", TOLD},
	{"204", NULL, "HTTP/1.1 204 No Content\r\nConnection: {keep-alive}\r\n\r\n", TOLD},
	{"204 with a length", NULL, "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n@\r\n", TOLD},
	{"304", NULL, "HTTP/1.1 304 Not Modified\r\nContent-Length: 700\r\nETag: \"x\"\r\n@\r\n",
         TOLD},
	{"chunks", NULL,
         OK "Transfer-Encoding: chunked\r\n@\r\n"
            "5\r\nhello\r\n1A;name="
            "\"value\"\r\n01234567890123456789012345\r\nf\r\n012345678901234\r\n000\r\n\r\n",
         TOLD},
	{"chunks and trailers", NULL,
         OK "Transfer-Encoding: chunked\r\nTrailer: X\r\n@\r\n"
            "2 ;x\r\n\r\n\r\n0\r\nX: 1\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n",
         TOLD},
	{"two codings", NULL, OK "Transfer-Encoding: gzip, chunked\r\n@\r\n0\r\n\r\n", TOLD},
	{"two codings in two lines", NULL,
         OK "Transfer-Encoding: gzip\r\nTransfer-Encoding: Chunked\r\n@\r\n0\r\n\r\n", TOLD},
	{"chunks without an end", NULL, OK "Transfer-Encoding: chunked\r\n@\r\n2\r\nhi\r\n", OPEN},
	{"content that looks like a head", NULL,
         OK "Content-Length: 64\r\n@\r\nHTTP/1.1 200 OK\r\nConnection: keep-alive\r\n"
            "Content-Length: 0\r\n\r\n\r\n",
         TOLD},
	{"a chunk that looks like a head", NULL,
         OK "Transfer-Encoding: chunked\r\n@\r\n2b\r\nHTTP/1.1 200 OK\r\nConnection: "
            "keep-alive\r\n\r\n"
            "\r\n0\r\n\r\n",
         TOLD},
	{"endless content that looks like a head", NULL,
         OK "@\r\n" OK "Connection: keep-alive\r\n\r\n", OPEN},
	{"bare line feeds", NULL,
         "HTTP/1.1 200 OK\nConnection: {keep-alive}\nContent-Length: 2\n\nhi", TOLD},
	{"bare line feeds, inserted", NULL, "HTTP/1.1 200 OK\nContent-Length: 2\n@\nhi", TOLD},

	/* Interim responses, upgrades, tunnels. */
	{"100, then 200", POST,
         "HTTP/1.1 100 Continue\r\n\r\n" OK "Connection: {keep-alive}\r\n" TWO "\r\nhi", TOLD},
	{"100 alone", POST, "HTTP/1.1 100 Continue\r\n\r\n", WAITING},
	{"102 with keep-alive", POST, "HTTP/1.1 102 Processing\r\nConnection: keep-alive\r\n\r\n",
         WAITING},
	{"103, then 200", NULL,
         "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" OK TWO END, TOLD},
	{"101", "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
         "\x81\x05hello",
         GIVEN_UP},
	{"101 with keep-alive", "GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n",
         "HTTP/1.1 101 x\r\nConnection: keep-alive, Upgrade\r\n\r\n" OK TWO "\r\nhi", GIVEN_UP},
	{"an upgrade that is refused", "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
         "HTTP/1.1 400 Bad Request\r\n" TWO END, TOLD},
	{"CONNECT", "CONNECT a:443 HTTP/1.1\r\n\r\n", OK "\r\n\x16\x03\x01" OK TWO "\r\nhi",
         GIVEN_UP},
	{"CONNECT refused", "CONNECT a:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 403 No\r\n" TWO "\r\nhi",
         IDLE},

	/* HTTP/1.0. */
	{"HTTP/1.0 with keep-alive", OLD,
         "HTTP/1.0 200 OK\r\nConnection: {keep-alive}\r\n" TWO "\r\nhi", TOLD},
	{"HTTP/1.0 with keep-alive and another", OLD,
         "HTTP/1.0 200 OK\r\nConnection: {keep-alive}, x\r\n" TWO "\r\nhi", TOLD},
	{"HTTP/1.0 without", OLD, "HTTP/1.0 200 OK\r\n" TWO "\r\nhi", IDLE},
	{"HTTP/1.0 with another option", OLD, "HTTP/1.0 200 OK\r\nConnection: x\r\n" TWO "\r\nhi",
         IDLE},
	{"HTTP/1.0 with close", OLD, "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nhi", OPEN},
	{"HTTP/1.0 asked, HTTP/1.1 answered", OLD, OK "Connection: {keep-alive}\r\n" TWO "\r\nhi",
         TOLD},

	/* Who waits. */
	{"two at once", GET GET, OK "Connection: keep-alive\r\n" TWO "\r\nhi" OK TWO END, TOLD},
	{"three at once, the middle one HEAD", GET HEAD GET,
         OK TWO "\r\nhi" OK "Content-Length: 99\r\n\r\n" OK TWO END, TOLD},
	{"two at once, one answered", GET GET, OK TWO "\r\nhi", WAITING},
	{"a second one has begun", GET "GET / HT", OK "Connection: keep-alive\r\n" TWO "\r\nhi",
         WAITING},
	{"a second one has begun with a letter", GET "G", OK TWO "\r\nhi", WAITING},
	{"an upload that is not read", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab",
         "HTTP/1.1 413 x\r\nConnection: keep-alive\r\n" TWO "\r\nhi", WAITING},
	{"chunks that are not read",
         "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", OK TWO "\r\nhi",
         WAITING},
	{"an early answer that closes", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n",
         "HTTP/1.1 413 x\r\nConnection: close\r\n" TWO "\r\nhi", WAITING},
	{"nobody asked", "", "HTTP/1.1 408 Timeout\r\nConnection: keep-alive\r\n\r\n", GIVEN_UP},
	{"more than was asked for", NULL, OK TWO END OK TWO "\r\nhi", GIVEN_UP},
	{"an empty line too much", NULL, OK TWO END "\r\n", GIVEN_UP},

	/* In doubt. */
	{"folded", NULL, OK "Connection: keep-alive2~\r\n close\r\n" TWO "\r\nhi", GIVEN_UP},
	{"folded before", NULL, OK "X: y\r\n z\r\nConnection: keep-alive\r\n" TWO "\r\nhi",
         GIVEN_UP},
	{"folded at once", NULL, OK "\tX: y\r\n" TWO "\r\nhi", GIVEN_UP},
	{"a space before the colon", NULL, OK "Connection : keep-alive\r\n" TWO "\r\nhi", GIVEN_UP},
	{"no colon", NULL, OK "Connection\r\n" TWO "\r\nhi", GIVEN_UP},
	{"no name", NULL, OK ": keep-alive\r\n" TWO "\r\nhi", GIVEN_UP},
	{"a control character in a value", NULL, OK "X: \x01\r\n" TWO "\r\nhi", GIVEN_UP},
	{"a control character in an option", NULL, OK "Connection: keep-alive\x01\r\n\r\n",
         GIVEN_UP},
	{"a control character in a name", NULL, OK "X\x7f: y\r\n" TWO "\r\nhi", GIVEN_UP},
	{"a bare CR in a value", NULL, OK "X: a\rb\r\n" TWO "\r\nhi", GIVEN_UP},
	{"two lengths", NULL, OK TWO "Content-Length: 3\r\n\r\nhi", GIVEN_UP},
	{"the same length twice", NULL, OK TWO TWO "\r\nhi", GIVEN_UP},
	{"a list of lengths", NULL, OK "Content-Length: 2, 2\r\n\r\nhi", GIVEN_UP},
	{"an empty length", NULL, OK "Content-Length: \r\n\r\nhi", GIVEN_UP},
	{"a negative length", NULL, OK "Content-Length: -2\r\n\r\nhi", GIVEN_UP},
	{"a signed length", NULL, OK "Content-Length: +2\r\n\r\nhi", GIVEN_UP},
	{"a hexadecimal length", NULL, OK "Content-Length: 0x2\r\n\r\nhi", GIVEN_UP},
	{"a length in two parts", NULL, OK "Content-Length: 2 2\r\n\r\nhi", GIVEN_UP},
	{"the longest length", NULL, OK "Content-Length: 18446744073709551615\r\n@\r\nhi", OPEN},
	{"a length too long", NULL, OK "Content-Length: 18446744073709551616\r\n\r\nhi", GIVEN_UP},
	{"a length much too long", NULL, OK "Content-Length: 99999999999999999999\r\n\r\nhi",
         GIVEN_UP},
	{"length and coding", NULL, OK TWO "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", GIVEN_UP},
	{"coding and length", NULL, OK "Transfer-Encoding: chunked\r\n" TWO "\r\n0\r\n\r\n",
         GIVEN_UP},
	{"not chunked", NULL, OK "Transfer-Encoding: gzip\r\n\r\nx", GIVEN_UP},
	{"identity", NULL, OK "Transfer-Encoding: identity\r\n" TWO "\r\nhi", GIVEN_UP},
	{"no coding", NULL, OK "Transfer-Encoding:\r\n" TWO "\r\nhi", GIVEN_UP},
	{"chunked not last", NULL, OK "Transfer-Encoding: chunked, gzip\r\n\r\n", GIVEN_UP},
	{"chunked twice", NULL,
         OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", GIVEN_UP},
	{"a coding with a parameter", NULL, OK "Transfer-Encoding: chunked;q=1\r\n\r\n", GIVEN_UP},
	{"chunked in HTTP/1.0", OLD, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
         GIVEN_UP},
	{"a chunk without a size", NULL, OK "Transfer-Encoding: chunked\r\n@\r\n\r\n", GIVEN_UP},
	{"a chunk too long", NULL,
         OK "Transfer-Encoding: chunked\r\n@\r\n10000000000000000\r\nhi\r\n", GIVEN_UP},
	{"a chunk of no number", NULL, OK "Transfer-Encoding: chunked\r\n@\r\ng\r\nhi\r\n",
         GIVEN_UP},
	{"a chunk longer than its size", NULL, OK "Transfer-Encoding: chunked\r\n@\r\n1\r\nhi\r\n",
         GIVEN_UP},
	{"HTTP/2", NULL, "HTTP/2 200\r\n" TWO "\r\nhi", GIVEN_UP},
	{"HTTP/1.2", NULL, "HTTP/1.2 200 OK\r\n" TWO "\r\nhi", GIVEN_UP},
	{"HTTP/0.9", NULL, "<html>\r\nHTTP/1.1 200 OK\r\n\r\n", GIVEN_UP},
	{"ICY", NULL, "ICY 200 OK\r\n\r\n", GIVEN_UP},
	{"lower case", NULL, "http/1.1 200 OK\r\n" TWO "\r\nhi", GIVEN_UP},
	{"status of two digits", NULL, "HTTP/1.1 20 OK\r\n" TWO "\r\nhi", GIVEN_UP},
	{"status of four digits", NULL, "HTTP/1.1 2000 OK\r\n" TWO "\r\nhi", GIVEN_UP},
	{"status 600", NULL, "HTTP/1.1 600 OK\r\n" TWO "\r\nhi", GIVEN_UP},
	{"no status", NULL, "HTTP/1.1\r\n" TWO "\r\nhi", GIVEN_UP},
	{"an empty line first", NULL, "\r\nHTTP/1.1 200 OK\r\n" TWO "\r\nhi", GIVEN_UP},
	{"the request is not HTTP", "\x16\x03\x01\x02", OK TWO "\r\nhi", GIVEN_UP},
	{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", OK TWO "\r\nhi", GIVEN_UP},
};

#endif
