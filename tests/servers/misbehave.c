/* SPDX-License-Identifier: MIT */
/* Fails its clients in the way that its argument names, one at a time:
 *   close          ends the connection before any byte of the reply
 *   reset          resets it before any byte of the reply
 *   short          ends it in the middle of the body
 *   short_chunked  ends it before the last chunk
 *   half_head      ends it in the middle of the head
 *   late_reset     resets it after a complete reply
 *   status         replies 500
 *   garbage        replies what is no HTTP
 *   surplus        sends more than the body
 *   hang           never replies
 *   linger         replies and never closes
 *   kept_close=K   ends a kept connection after K replies, without having told
 *   kept_reset=K   resets it after K replies, in answer to a request
 *   kept_late_close=K, kept_reset_idle=K   ends it when the next request has come, resets it without one
 *   bare           replies well, without a header that names version and process */
#include "http.h"
#include "identity.h"
#include "listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *mode;
static int replies_left_at_first;

static const struct {
	const char *mode;
	const char *reply;
} replies[] = {
	{"close", ""},
	{"short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"},
	{"short_chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"},
	{"half_head", "HTTP/1.1 200 OK\r\nContent-Le"},
	{"status", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"},
	{"garbage", "What do you want?\r\n\r\n"},
	{"surplus", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n12345"},
	{"bare", "HTTP/1.1 200 OK\r\nServer: bare one\r\nContent-Length: 2\r\n\r\nok"},
};

/* Reads one request. Returns false at the end of the connection. */
static bool request_read(int fd)
{
	char data[HTTP_REQUEST_MAX];
	struct http_request request;
	size_t len = 0;

	while (http_request_parse(data, len, &request) == 0) {
		ssize_t got = recv(fd, data + len, sizeof(data) - len, 0);
		if (got <= 0)
			return false;
		len += (size_t)got;
	}
	return true;
}

static void send_text(int fd, const char *text)
{
	send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void send_good_reply(int fd)
{
	char reply[512];
	char body[128];

	snprintf(body, sizeof(body), "pong %s %d\n", identity_version, identity_pid());
	snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
	         strlen(body), body);
	send_text(fd, reply);
}

static void wait_for_end(int fd)
{
	char ignored[4096];

	while (recv(fd, ignored, sizeof(ignored), 0) > 0)
		;
}

/* With no time to linger, close() sends a reset (socket(7), SO_LINGER). */
static void make_close_reset(int fd)
{
	const struct linger none = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

static void serve_kept(int fd)
{
	for (int left = replies_left_at_first; left > 0 && request_read(fd); left--)
		send_good_reply(fd);
	if (strncmp(mode, "kept_reset_idle=", 16) == 0) {
		make_close_reset(fd);
	} else if (strncmp(mode, "kept_reset=", 11) == 0) {
		request_read(fd);
		make_close_reset(fd);
	} else if (strncmp(mode, "kept_late_close=", 16) == 0) {
		request_read(fd);
	} else {
		/* Bytes that come in after close() would be answered by a reset. */
		shutdown(fd, SHUT_WR);
		wait_for_end(fd);
	}
}

static void serve_well_then_misbehave(int fd)
{
	if (strcmp(mode, "late_reset") == 0)
		make_close_reset(fd);
	if (strcmp(mode, "hang") != 0)
		send_good_reply(fd);
	if (strcmp(mode, "late_reset") != 0)
		wait_for_end(fd);
}

static void serve(int fd)
{
	const char *reply = NULL;

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		if (strcmp(mode, replies[i].mode) == 0)
			reply = replies[i].reply;
	}
	if (replies_left_at_first) {
		serve_kept(fd);
	} else if (!request_read(fd) || strcmp(mode, "reset") == 0) {
		make_close_reset(fd);
	} else if (reply) {
		send_text(fd, reply);
	} else {
		serve_well_then_misbehave(fd);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;

	server_options_parse(argc, argv, &options);
	mode = options.argument ? options.argument : "close";
	if (strncmp(mode, "kept_", 5) == 0 && strchr(mode, '='))
		replies_left_at_first = atoi(strchr(mode, '=') + 1);
	listeners_open(&options, false, &listeners);
	listeners_serve(&listeners, 0, serve);
}
