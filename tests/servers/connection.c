/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include "routes.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Only the one thread of the loop comes here. */
static struct {
	struct connection *by_fd[CONNECTION_FD_MAX];
	int fd_end;
	int waiting;
} table;

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void connection_set_state(struct connection *connection, enum connection_state state)
{
	table.waiting -= connection->state == CONNECTION_WAITING;
	table.waiting += state == CONNECTION_WAITING;
	connection->state = state;
}

struct connection *connection_add(int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection || fd >= CONNECTION_FD_MAX) {
		fputs("too many connections\n", stderr);
		exit(1);
	}
	connection->fd = fd;
	table.by_fd[fd] = connection;
	if (fd >= table.fd_end)
		table.fd_end = fd + 1;
	return connection;
}

void connection_remove(struct connection *connection)
{
	connection_set_state(connection, CONNECTION_READING);
	table.by_fd[connection->fd] = NULL;
	http_reply_end(&connection->reply);
	close(connection->fd);
	free(connection);
}

struct connection *connection_find(int fd)
{
	return table.by_fd[fd];
}

int connection_fd_end(void)
{
	return table.fd_end;
}

short connection_wanted(const struct connection *connection)
{
	if (connection->state == CONNECTION_WAITING)
		return 0;
	return connection->state == CONNECTION_READING ? POLLIN : POLLOUT;
}

enum progress { GO_ON, BLOCKED, ENDED };

static enum progress wait_for_next_piece(struct connection *connection)
{
	connection->wake_at = now_ms() + connection->reply.wait_ms;
	connection_set_state(connection, CONNECTION_WAITING);
	return GO_ON;
}

static enum progress connection_read(struct connection *connection)
{
	struct http_request request;
	size_t room = sizeof(connection->in) - connection->in_len;
	ssize_t taken = http_request_parse(connection->in, connection->in_len, &request);

	if (taken < 0)
		return ENDED;
	if (taken > 0) {
		connection->in_len -= (size_t)taken;
		memmove(connection->in, connection->in + taken, connection->in_len);
		routes_reply(&request, &connection->reply);
		return wait_for_next_piece(connection);
	}
	ssize_t got = recv(connection->fd, connection->in + connection->in_len, room, 0);
	if (got <= 0)
		return got == -1 && errno == EAGAIN ? BLOCKED : ENDED;
	connection->in_len += (size_t)got;
	return GO_ON;
}

static enum progress connection_wait(struct connection *connection)
{
	bool is_kept = connection->reply.keep_alive;

	if (now_ms() < connection->wake_at)
		return BLOCKED;
	if (http_reply_next(&connection->reply, &connection->out)) {
		connection_set_state(connection, CONNECTION_WRITING);
		return GO_ON;
	}
	http_reply_end(&connection->reply);
	connection_set_state(connection, CONNECTION_READING);
	return is_kept ? GO_ON : ENDED;
}

static enum progress connection_write(struct connection *connection)
{
	struct http_piece *out = &connection->out;
	ssize_t sent =
		send(connection->fd, out->data + out->sent, out->len - out->sent, MSG_NOSIGNAL);

	if (sent == -1)
		return errno == EAGAIN ? BLOCKED : ENDED;
	out->sent += (size_t)sent;
	return out->sent == out->len ? wait_for_next_piece(connection) : GO_ON;
}

bool connection_advance(struct connection *connection)
{
	enum progress progress = GO_ON;

	while (progress == GO_ON) {
		if (connection->state == CONNECTION_READING)
			progress = connection_read(connection);
		else if (connection->state == CONNECTION_WAITING)
			progress = connection_wait(connection);
		else
			progress = connection_write(connection);
	}
	return progress == BLOCKED;
}

int connection_timeout_ms(void)
{
	long long first = -1;

	if (table.waiting == 0)
		return -1;
	for (int fd = 0; fd < table.fd_end; fd++) {
		const struct connection *connection = table.by_fd[fd];
		if (!connection || connection->state != CONNECTION_WAITING)
			continue;
		if (first == -1 || connection->wake_at < first)
			first = connection->wake_at;
	}
	long long left = first - now_ms();
	return left > 0 ? (int)left : 0;
}

void connection_run_timers(void (*advance)(struct connection *connection))
{
	if (table.waiting == 0)
		return;
	long long now = now_ms();
	for (int fd = 0; fd < table.fd_end; fd++) {
		struct connection *connection = table.by_fd[fd];
		if (connection && connection->state == CONNECTION_WAITING &&
		    now >= connection->wake_at)
			advance(connection);
	}
}
