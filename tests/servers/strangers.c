/* SPDX-License-Identifier: MIT */
/* A connection that has the number of an earlier one, of which the library knows, and comes or goes by ways that it
 * does not see: libc's own functions are called where a wrapper has their names.
 * The first request is for /whole, which is answered, or for /part, of which only the head is read. Its
 * connection is then given up. The next one is for /held, which is answered when its body of one byte has come,
 * unless its client hangs up before, or for /kept, which is answered at once; then the connection is kept.
 * With the argument `unseen` that connection is accepted, read and written by libc's own functions; with
 * `passed` the server passes it to itself, and uses it as always. */
#include "listeners.h"

#include <dlfcn.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n\npong 1";

static struct {
	int (*accept)(int fd, struct sockaddr *address, socklen_t *length);
	ssize_t (*read)(int fd, void *buffer, size_t size);
	ssize_t (*write)(int fd, const void *bytes, size_t size);
} calls = {accept, read, write};

static void use_libc(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY);

	*(void **)&calls.accept = dlsym(libc, "accept");
	*(void **)&calls.read = dlsym(libc, "read");
	*(void **)&calls.write = dlsym(libc, "write");
}

static void sleep_ms(long ms)
{
	const struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* Reads until END has come. Returns false at the end of the connection. */
static bool read_until(int fd, char *request, size_t size, const char *end)
{
	while (!strstr(request, end)) {
		const size_t length = strlen(request);
		const ssize_t got = calls.read(fd, request + length, size - 1 - length);

		if (got <= 0)
			return false;
		request[length + (size_t)got] = '\0';
	}
	return true;
}

/* Returns false if the client hangs up before its body has come. */
static bool body_comes(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN | POLLRDHUP};
	char body;

	(void)poll(&request, 1, -1);
	return !(request.revents & POLLRDHUP) && calls.read(fd, &body, 1) == 1;
}

/* FIRST is given up meanwhile. Returns the new number. */
static int pass_to_self(int fd, int first)
{
	union {
		char bytes[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr header;
	} control = {.header = {CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec part = {&(char){0}, 1};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof(control)};
	int ends[2];

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || sendmsg(ends[0], &message, 0) != 1 ||
	    syscall(SYS_close, first) != 0 || recvmsg(ends[1], &message, 0) != 1)
		exit(1);
	(void)close(fd);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	(void)close(ends[0]);
	(void)close(ends[1]);
	return fd;
}

static void serve_first(int fd)
{
	char request[512] = "";

	if (read_until(fd, request, sizeof(request), "\r\n\r\n") && strstr(request, "/whole"))
		(void)!write(fd, answer, strlen(answer));
	(void)shutdown(fd, SHUT_RDWR);
}

static void serve_next(int fd)
{
	char request[512] = "";

	if (!read_until(fd, request, sizeof(request), "\r\n\r\n"))
		return;
	if (strstr(request, "/held") && !body_comes(fd)) {
		printf("hung up\n");
		(void)fflush(stdout);
		return;
	}
	sleep_ms(50);
	(void)!calls.write(fd, answer, strlen(answer));
	request[0] = '\0';
	(void)read_until(fd, request, sizeof(request), "never");
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;
	bool is_passed;
	int first, next;

	server_options_parse(argc, argv, &options);
	is_passed = options.argument && strcmp(options.argument, "passed") == 0;
	listeners_open(&options, false, &listeners);
	first = accept(listeners.fds[0], NULL, NULL);
	serve_first(first);
	if (!is_passed) {
		use_libc();
		(void)syscall(SYS_close, first);
	}
	next = calls.accept(listeners.fds[0], NULL, NULL);
	if (is_passed)
		next = pass_to_self(next, first);
	printf("%s number\n", next == first ? "the same" : "another");
	(void)fflush(stdout);
	serve_next(next);
	(void)close(next);
	for (;;)
		(void)pause();
}
