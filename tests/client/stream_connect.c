/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* While nobody listens on an ephemeral port, a connection to it may get that very port as its
 * source and then connect to itself. To the caller nobody listened. */
static bool is_connected_to_itself(int fd)
{
	struct sockaddr_storage own = {0};
	struct sockaddr_storage peer = {0};
	socklen_t own_len = sizeof(own);
	socklen_t peer_len = sizeof(peer);

	if (getsockname(fd, (struct sockaddr *)&own, &own_len) == -1 ||
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) == -1)
		return false;
	return own.ss_family != AF_UNIX && own_len == peer_len && memcmp(&own, &peer, own_len) == 0;
}

/* A non-blocking connect() to a unix socket fails with EAGAIN while the backlog is full, and
 * there is nothing to poll for. A blocking one waits, for SO_SNDTIMEO at most. */
static enum outcome connect_unix(struct stream *stream, const struct target *target, int timeout_ms)
{
	struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	setsockopt(stream->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(stream->fd, (const struct sockaddr *)&target->address, target->address_len) ==
	    -1) {
		if (errno == EAGAIN)
			return OUTCOME_TIMEOUT;
		/* A server that stops may take its path away. */
		return errno == ENOENT ? OUTCOME_REFUSED : outcome_from_errno("connect", errno);
	}
	fcntl(stream->fd, F_SETFL, O_NONBLOCK);
	return OUTCOME_OK;
}

static enum outcome connect_inet(struct stream *stream, const struct target *target)
{
	const int on = 1;
	int number = 0;
	socklen_t len = sizeof(number);

	fcntl(stream->fd, F_SETFL, O_NONBLOCK);
	setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(stream->fd, (const struct sockaddr *)&target->address, target->address_len) ==
	    -1) {
		if (errno != EINPROGRESS)
			return outcome_from_errno("connect", errno);
		enum outcome outcome = stream_wait(stream, POLLOUT);
		if (outcome != OUTCOME_OK)
			return outcome;
		getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &number, &len);
		if (number)
			return outcome_from_errno("connect", number);
	}
	return is_connected_to_itself(stream->fd) ? OUTCOME_REFUSED : OUTCOME_OK;
}

enum outcome stream_connect(struct stream *stream, const struct target *target, int timeout_ms)
{
	enum outcome outcome;

	stream->tls = NULL;
	stream->is_reused = false;
	stream->is_answering = false;
	stream->start = 0;
	stream->end = 0;
	stream_set_timeout(stream, timeout_ms);
	stream->fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (stream->fd == -1)
		return outcome_from_errno("socket", errno);
	if (target->address.ss_family == AF_UNIX)
		outcome = connect_unix(stream, target, timeout_ms);
	else
		outcome = connect_inet(stream, target);
	if (outcome == OUTCOME_OK && target->is_tls) {
		stream->tls = tls_new(stream->fd);
		if (!stream->tls)
			outcome = outcome_report_other("tls", "out of memory");
	}
	if (outcome != OUTCOME_OK)
		stream_close(stream);
	return outcome;
}
