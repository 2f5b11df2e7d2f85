/* SPDX-License-Identifier: MIT */
/* Lets the numbers of its descriptors change hands. A request for /WAY/TARGET is answered when its body of one
 * byte has come. Before the answer, which goes out on a copy, the connection's number is given up by WAY and means
 * TARGET, to which a text is then written that looks like an answer.
 * WAY: close, fclose, freopen, dup2, dup3, close_range or syscall. TARGET: `file`, or `socket`, whose other end
 * saves what comes; both are found in saved-WAY-TARGET. /syscall/listener makes the listener's number a listener
 * of another kind, which nobody connects to.
 * With the argument `any_port`, the listener has a number that was bound to port 0 before. */
#include "listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conversation.h"

static const char saved[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsaved";
static const char answer[] =
	"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n\npong 1";
static struct listeners listeners;

int close_range(unsigned first, unsigned last, int flags);

static void demand(int claim, const char *what)
{
	if (claim)
		return;
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static void close_number(const char *way, int fd)
{
	if (strcmp(way, "close") == 0)
		(void)close(fd);
	else if (strcmp(way, "close_range") == 0)
		(void)close_range((unsigned)fd, (unsigned)fd, 0);
	else if (strcmp(way, "syscall") == 0)
		(void)syscall(SYS_close, fd);
	else
		(void)fclose(fdopen(fd, "r"));
}

/* A thread of the library's may use the number for a moment. */
static void take_number(int fd, int from)
{
	int got;

	while ((got = fcntl(from, F_DUPFD_CLOEXEC, fd)) != fd) {
		demand(got >= 0, "F_DUPFD");
		(void)syscall(SYS_close, got);
	}
}

/* FD, which is open, means from now on what FROM means, which is closed. */
static void renumber(const char *way, int from, int fd, const char *path)
{
	if (strcmp(way, "dup2") == 0) {
		demand(dup2(from, fd) == fd, way);
	} else if (strcmp(way, "dup3") == 0) {
		demand(dup3(from, fd, O_CLOEXEC) == fd, way);
	} else if (strcmp(way, "freopen") == 0 && path) {
		demand(fileno(freopen(path, "w", fdopen(fd, "r+"))) == fd, way);
	} else {
		close_number(way, fd);
		take_number(fd, from);
	}
	(void)syscall(SYS_close, from);
}

static void save_rest(int from, const char *path)
{
	char bytes[512];
	const int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	const ssize_t length = read(from, bytes, sizeof(bytes));

	demand(to >= 0 && length >= 0 && write(to, bytes, (size_t)length) == length, path);
	(void)close(to);
	(void)close(from);
}

static void write_saved(const char *way, const char *target, int fd)
{
	const ssize_t written = write(fd, saved, strlen(saved));

	printf("%s to %s: %zd of %zu, %s\n", way, target, written, strlen(saved),
	       written < 0 ? strerror(errno) : "good");
	(void)fflush(stdout);
}

static void change_hands(const char *way, const char *target, int fd)
{
	const int is_file = strcmp(target, "file") == 0;
	char path[96];
	int ends[2];

	(void)snprintf(path, sizeof(path), "saved-%s-%s", way, target);
	if (is_file)
		ends[0] = open(path, O_WRONLY | O_CREAT, 0644);
	else
		demand(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	renumber(way, ends[0], fd, is_file ? path : NULL);
	write_saved(way, target, fd);
	if (!is_file)
		save_rest(ends[1], path);
}

static void change_listener(const char *way)
{
	const struct sockaddr autobind = {.sa_family = AF_UNIX};
	const int fd = listeners.fds[0];
	const int other = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	demand(bind(other, &autobind, sizeof(sa_family_t)) == 0 && listen(other, 1) == 0,
	       "a listener");
	renumber(way, other, fd, NULL);
	demand(getsockname(fd, (void *)&address, &length) == 0, "getsockname");
	printf("the name is a %s one\n", address.ss_family == AF_UNIX ? "unix" : "foreign");
	demand(accept(fd, NULL, NULL) < 0, "accept");
	printf("accept: %s\n", strerror(errno));
	(void)fflush(stdout);
}

static void *serve_connection(void *argument)
{
	const int fd = (int)(intptr_t)argument;
	char request[512] = "", way[32], target[32];
	size_t length = 0;
	ssize_t got = 1;
	int copy;

	while (!strstr(request, "\r\n\r\nx") && got > 0) {
		got = read(fd, request + length, sizeof(request) - 1 - length);
		length += got > 0 ? (size_t)got : 0;
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	if (got <= 0 || sscanf(request, "GET /%31[a-z_0-9]/%31[a-z] ", way, target) != 2)
		(void)close(fd);
	else if (strcmp(target, "listener") == 0)
		change_listener(way);
	else
		change_hands(way, target, fd);
	if (got > 0)
		(void)!write(copy, answer, strlen(answer));
	(void)close(copy);
	(void)close(fd);
	return NULL;
}

static void serve(int fd)
{
	conversation_serve_in_thread(fd, serve_connection);
}

static int bind_any_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	demand(bind(fd, (void *)&address, length) == 0 &&
	               getsockname(fd, (void *)&address, &length) == 0,
	       "port 0");
	printf("some port %d\n", ntohs(address.sin_port));
	return fd;
}

int main(int argc, char **argv)
{
	struct server_options options;
	int fd = -1;

	server_options_parse(argc, argv, &options);
	if (options.argument)
		fd = bind_any_port();
	listeners_open(&options, false, &listeners);
	if (fd >= 0) {
		renumber("syscall", listeners.fds[0], fd, NULL);
		listeners.fds[0] = fd;
	}
	listeners_serve(&listeners, 0, serve);
}
