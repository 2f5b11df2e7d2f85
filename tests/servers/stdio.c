/* SPDX-License-Identifier: MIT */
/* Serves each connection in a thread of its own, and reads it by stdio: libc reads inside itself, where no wrapper
 * sees it. As many frameworks do, it gives a request up when its client has hung up. The argument changes that:
 *   all    it writes by stdio, too
 *   later  it reads the first request of each connection by recv()
 *   never  it reads all of them so
 * What it answers:
 *   /slow/MS  comes after MS milliseconds
 *   /split    the head is written by stdio, and a body that looks like HTTP by send() */
#include "conversation.h"
#include "identity.h"
#include "listeners.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 100 };

static const char *mode = "";

struct stream {
	int fd;
	FILE *in, *out;
	bool is_first;
};

static bool mode_is(const char *word)
{
	return strcmp(mode, word) == 0;
}

static bool has_hung_up(int fd)
{
	struct pollfd it = {fd, POLLIN, 0};
	char byte;

	return poll(&it, 1, STEP_MS) > 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_wanted_for(int fd, long ms)
{
	const long end = now_ms() + ms;

	while (now_ms() < end) {
		if (has_hung_up(fd))
			return false;
	}
	return true;
}

static bool read_line(struct stream *stream, char *ret_line, size_t size)
{
	size_t length = 0;

	if (!mode_is("never") && !(mode_is("later") && stream->is_first))
		return fgets(ret_line, (int)size, stream->in) != NULL;
	while (length + 1 < size && (length == 0 || ret_line[length - 1] != '\n')) {
		if (recv(stream->fd, ret_line + length, 1, 0) != 1)
			return false;
		length++;
	}
	ret_line[length] = '\0';
	return true;
}

static bool write_text(struct stream *stream, const char *text, bool by_stdio)
{
	const size_t length = strlen(text);

	if (by_stdio)
		return fwrite(text, 1, length, stream->out) == length && fflush(stream->out) == 0;
	return send(stream->fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool answer(struct stream *stream, bool is_split)
{
	char body[128], head[128], both[sizeof(body) + sizeof(head)];

	snprintf(body, sizeof(body), "%spong %s %d\n",
	         is_split ? "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n" : "",
	         identity_version, identity_pid());
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
	         strlen(body));
	snprintf(both, sizeof(both), "%s%s", head, body);
	if (is_split)
		return write_text(stream, head, true) && write_text(stream, body, false);
	return write_text(stream, both, mode_is("all"));
}

static bool serve_request(struct stream *stream)
{
	char first[1024], line[1024];
	const char *slow;

	if (!read_line(stream, first, sizeof(first)))
		return false;
	while (read_line(stream, line, sizeof(line)) && line[0] != '\r')
		continue;
	stream->is_first = false;
	slow = strstr(first, "/slow/");
	if (slow && !is_wanted_for(stream->fd, atol(slow + strlen("/slow/"))))
		return false;
	return answer(stream, strstr(first, "/split") != NULL);
}

static void *connection_run(void *argument)
{
	const int fd = (int)(intptr_t)argument;
	struct stream stream = {fd, fdopen(fd, "r"), fdopen(dup(fd), "w"), true};

	if (!stream.in || !stream.out)
		exit(1);
	while (serve_request(&stream))
		continue;
	fclose(stream.in);
	fclose(stream.out);
	return NULL;
}

static void serve(int fd)
{
	conversation_serve_in_thread(fd, connection_run);
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;

	server_options_parse(argc, argv, &options);
	if (options.argument)
		mode = options.argument;
	listeners_open(&options, false, &listeners);
	listeners_serve(&listeners, 0, serve);
}
