/* SPDX-License-Identifier: MIT */
/* Owns a connection that is served by a thread or process of its own, with blocking calls. */
#ifndef TESTS_SERVERS_CONVERSATION_H
#define TESTS_SERVERS_CONVERSATION_H

#include "http.h"

#include <stdbool.h>
#include <sys/types.h>

/* How bytes are moved; RECEIVE and SEND return as read() and write() do. */
struct conversation {
	ssize_t (*receive)(void *channel, void *data, size_t len);
	ssize_t (*send)(void *channel, const void *data, size_t len);
	void *channel;
	void (*reply)(const struct http_request *request, struct http_reply *ret_reply);
	bool is_single; /* one request only */
};

/* Serves requests until the client or a reply ends the connection. Closes nothing. */
void conversation_run(const struct conversation *conversation);

/* Serves the plain socket FD with routes_reply() and closes it. */
void conversation_serve_fd(int fd, bool is_single);

/* Calls RUN in a detached thread, with FD as its argument in the manner of (intptr_t). */
void conversation_serve_in_thread(int fd, void *(*run)(void *fd));

/* The socket calls behind a `channel` that is a pointer to a descriptor. */
ssize_t conversation_receive_fd(void *channel, void *data, size_t len);
ssize_t conversation_send_fd(void *channel, const void *data, size_t len);

#endif
