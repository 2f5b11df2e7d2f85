/* SPDX-License-Identifier: MIT */
/* Serves each connection in a thread of its own, and reads it by stdio: libc reads inside itself, where no wrapper
 * sees it. As many frameworks do, it gives a request up when its client has hung up. With the argument `all` it
 * writes by stdio, too.
 *   /slow  is answered after 1.5 s
 *   other  is answered at once */
#include "conversation.h"
#include "identity.h"
#include "listeners.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_STEPS = 15, STEP_MS = 100 };

static bool writes_by_stdio;

static bool has_hung_up(int fd)
{
	struct pollfd it = {fd, POLLIN, 0};
	char byte;

	return poll(&it, 1, STEP_MS) > 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static bool is_wanted_still(int fd)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += SLOW_STEPS % 10 * 100000000L;
	end.tv_sec += SLOW_STEPS / 10 + end.tv_nsec / 1000000000L;
	end.tv_nsec %= 1000000000L;
	do {
		if (has_hung_up(fd))
			return false;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec ||
	         (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
	return true;
}

static bool answer(int fd, FILE *out)
{
	char body[64], text[256];
	int length;

	snprintf(body, sizeof(body), "pong %s %d\n", identity_version, identity_pid());
	length = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
	                  strlen(body), body);
	if (writes_by_stdio)
		return fwrite(text, 1, (size_t)length, out) == (size_t)length && fflush(out) == 0;
	return send(fd, text, (size_t)length, MSG_NOSIGNAL) == length;
}

static void *connection_run(void *argument)
{
	const int fd = (int)(intptr_t)argument;
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char first[1024], line[1024];

	if (!in || !out)
		exit(1);
	while (fgets(first, sizeof(first), in)) {
		while (fgets(line, sizeof(line), in) && line[0] != '\r')
			continue;
		if (strstr(first, "/slow") && !is_wanted_still(fd))
			break;
		if (!answer(fd, out))
			break;
	}
	fclose(in);
	fclose(out);
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
	writes_by_stdio = options.argument && strcmp(options.argument, "all") == 0;
	listeners_open(&options, false, &listeners);
	listeners_serve(&listeners, 0, serve);
}
