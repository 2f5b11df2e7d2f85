/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include "routes.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* nanosleep() ends early whenever a handler runs, SA_RESTART or not (signal(7)). A test that
 * asks for a slow reply wants it slow, so the rest is slept too. */
static void sleep_ms(long ms)
{
	struct timespec rest = {ms / 1000, ms % 1000 * 1000000L};

	while (nanosleep(&rest, &rest) == -1 && errno == EINTR)
		;
}

static bool piece_send(const struct conversation *conversation, struct http_piece *piece)
{
	while (piece->sent < piece->len) {
		ssize_t sent = conversation->send(conversation->channel, piece->data + piece->sent,
		                                  piece->len - piece->sent);
		if (sent <= 0)
			return false;
		piece->sent += (size_t)sent;
	}
	return true;
}

static bool request_answer(const struct conversation *conversation,
                           const struct http_request *request)
{
	struct http_reply reply;
	struct http_piece piece;
	bool is_whole = true;

	conversation->reply(request, &reply);
	if (conversation->is_single)
		reply.keep_alive = false;
	bool is_kept = reply.keep_alive;
	while (is_whole) {
		if (reply.wait_ms)
			sleep_ms(reply.wait_ms);
		if (!http_reply_next(&reply, &piece))
			break;
		is_whole = piece_send(conversation, &piece);
	}
	http_reply_end(&reply);
	return is_whole && is_kept;
}

void conversation_run(const struct conversation *conversation)
{
	char data[HTTP_REQUEST_MAX];
	size_t len = 0;

	for (;;) {
		struct http_request request;
		ssize_t taken = http_request_parse(data, len, &request);
		if (taken < 0)
			return;
		if (taken > 0) {
			len -= (size_t)taken;
			memmove(data, data + taken, len);
			if (!request_answer(conversation, &request))
				return;
			continue;
		}
		ssize_t got = conversation->receive(conversation->channel, data + len,
		                                    sizeof(data) - len);
		if (got <= 0)
			return;
		len += (size_t)got;
	}
}

ssize_t conversation_receive_fd(void *channel, void *data, size_t len)
{
	return recv(*(int *)channel, data, len, 0);
}

ssize_t conversation_send_fd(void *channel, const void *data, size_t len)
{
	return send(*(int *)channel, data, len, MSG_NOSIGNAL);
}

void conversation_serve_fd(int fd, bool is_single)
{
	conversation_run(&(struct conversation){conversation_receive_fd, conversation_send_fd, &fd,
	                                        routes_reply, is_single});
	close(fd);
}

void conversation_serve_in_thread(int fd, void *(*run)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	errno = pthread_create(&thread, &attributes, run, (void *)(intptr_t)fd);
	if (errno) {
		perror("pthread_create");
		exit(1);
	}
	pthread_attr_destroy(&attributes);
}
