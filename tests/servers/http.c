/* SPDX-License-Identifier: MIT */
#include "http.h"

#include "identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the head of a request says, beyond the request line. */
static void request_parse_headers(const char *head, struct http_request *request, size_t *ret_body)
{
	for (const char *line = strstr(head, "\r\n"); line && line[2];
	     line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, "Content-Length:", 15) == 0)
			*ret_body = strtoul(line + 15, NULL, 10);
		if (strncasecmp(line, "Connection:", 11) != 0)
			continue;
		const char *value = line + 11 + strspn(line + 11, " \t");
		if (strncasecmp(value, "close", 5) == 0)
			request->keep_alive = false;
		if (strncasecmp(value, "keep-alive", 10) == 0)
			request->keep_alive = true;
	}
}

ssize_t http_request_parse(const char *data, size_t len, struct http_request *ret_request)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);
	char head[HTTP_REQUEST_MAX + 1];
	char target[512];
	size_t body = 0;
	int minor = 0;

	if (!end)
		return len < HTTP_REQUEST_MAX ? 0 : -1;
	size_t head_len = (size_t)(end - data) + 4;
	if (head_len > HTTP_REQUEST_MAX)
		return -1;
	memcpy(head, data, head_len);
	head[head_len] = '\0';

	*ret_request = (struct http_request){0};
	if (sscanf(head, "%7s %511s HTTP/1.%1d", ret_request->method, target, &minor) != 3)
		return -1;
	ret_request->keep_alive = minor == 1;
	request_parse_headers(head, ret_request, &body);
	if (body > HTTP_REQUEST_MAX - head_len)
		return -1;

	char *query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	snprintf(ret_request->path, sizeof(ret_request->path), "%.255s", target);
	snprintf(ret_request->query, sizeof(ret_request->query), "%.255s", query ? query : "");
	return head_len + body <= len ? (ssize_t)(head_len + body) : 0;
}

static const char *status_reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	default:
		return "Internal Server Error";
	}
}

static void piece_add_head(struct http_piece *piece, const struct http_reply *reply)
{
	char length[64] = "Transfer-Encoding: chunked";

	if (!reply->chunked)
		snprintf(length, sizeof(length), "Content-Length: %zu", reply->body_len);
	piece->len = (size_t)snprintf(piece->data, sizeof(piece->data),
	                              "HTTP/1.1 %d %s\r\n%s\r\nContent-Type: text/plain\r\n"
	                              "X-Version: %s\r\nX-Pid: %d\r\nConnection: %s\r\n\r\n",
	                              reply->status, status_reason(reply->status), length,
	                              identity_version, identity_pid(),
	                              reply->keep_alive ? "keep-alive" : "close");
}

static void piece_add_chunk(struct http_piece *piece, struct http_reply *reply)
{
	char *at = piece->data + piece->len;
	size_t room = sizeof(piece->data) - piece->len;

	if (reply->chunks_left > 0) {
		reply->chunks_left--;
		piece->len += (size_t)snprintf(at, room, "6\r\nchunk\n\r\n");
		at = piece->data + piece->len;
		room = sizeof(piece->data) - piece->len;
	}
	reply->wait_ms = reply->chunk_ms;
	if (reply->chunks_left == 0) {
		piece->len += (size_t)snprintf(at, room, "0\r\n\r\n");
		reply->wait_ms = 0;
		reply->finished = true;
	}
}

static void piece_add_body(struct http_piece *piece, struct http_reply *reply)
{
	size_t room = sizeof(piece->data) - piece->len;
	size_t left = reply->body_len - reply->body_sent;
	size_t take = left < room ? left : room;

	if (reply->body)
		memcpy(piece->data + piece->len, reply->body + reply->body_sent, take);
	else
		memset(piece->data + piece->len, 'x', take);
	piece->len += take;
	reply->body_sent += take;
	reply->wait_ms = 0;
	reply->finished = reply->body_sent == reply->body_len;
}

bool http_reply_next(struct http_reply *reply, struct http_piece *ret_piece)
{
	ret_piece->len = 0;
	ret_piece->sent = 0;
	if (reply->finished)
		return false;
	if (!reply->head_sent)
		piece_add_head(ret_piece, reply);
	reply->head_sent = true;
	if (reply->chunked)
		piece_add_chunk(ret_piece, reply);
	else
		piece_add_body(ret_piece, reply);
	return true;
}

void http_reply_end(struct http_reply *reply)
{
	free(reply->body);
	*reply = (struct http_reply){0};
}
