/* SPDX-License-Identifier: MIT */
/* Owns the listening sockets of an example server and the lines that announce them. */
#ifndef TESTS_SERVERS_LISTENERS_H
#define TESTS_SERVERS_LISTENERS_H

#include "server_options.h"

#include <stdbool.h>

struct listeners {
	int fds[SERVER_LISTENERS_MAX];
	int count;
};

/* Listens at every place of OPTIONS, then prints one `listening ADDR PORT` line for each and
 * `ready PORT PID`. Any failure ends the process with 1. */
void listeners_open(const struct server_options *options, bool nonblocking,
                    struct listeners *ret_listeners);

/* Accepts one connection with accept(), or with accept4() and FLAGS when these are not 0.
 * Returns -1 when there is none after all; with FLAGS also when no descriptor is left. Any other error ends the process with 1, EINTR too:
 * a naive server looks like that. */
int listeners_accept(int listener_fd, int flags);

/* Calls SERVE with each connection of each listener, for ever. The first listener is served by
 * the calling thread, each further one by a thread of its own. SERVE owns the descriptor. */
void listeners_serve(const struct listeners *listeners, int flags, void (*serve)(int fd))
	__attribute__((noreturn));

#endif
