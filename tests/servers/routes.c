/* SPDX-License-Identifier: MIT */
#include "routes.h"

#include "child.h"
#include "identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the text after NAME= in QUERY, or NULL. */
static const char *query_value(const char *query, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = query; at; at = strchr(at, '&')) {
		at += *at == '&';
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			return at + len + 1;
	}
	return NULL;
}

static long query_number(const char *query, const char *name)
{
	const char *value = query_value(query, name);
	long number = value ? strtol(value, NULL, 10) : 0;

	return number > 0 ? number : 0;
}

static void reply_set_pong(struct http_reply *reply)
{
	int len = asprintf(&reply->body, "pong %s %d\n", identity_version, identity_pid());

	if (len < 0)
		abort();
	reply->body_len = (size_t)len;
}

static void reply_set_child(struct http_reply *reply, const char *query)
{
	char via[16] = "";
	const char *value = query_value(query, "via");

	if (value)
		snprintf(via, sizeof(via), "%.*s", (int)strcspn(value, "&"), value);
	reply->body = child_run(via, &reply->body_len);
	if (!reply->body)
		reply->status = 500;
}

void routes_reply_pong(const struct http_request *request, struct http_reply *ret_reply)
{
	*ret_reply = (struct http_reply){.status = 200, .keep_alive = request->keep_alive};
	reply_set_pong(ret_reply);
}

void routes_reply(const struct http_request *request, struct http_reply *ret_reply)
{
	const char *query = request->query;

	*ret_reply = (struct http_reply){.status = 200, .keep_alive = request->keep_alive};
	if (strcmp(request->method, "GET") != 0) {
		ret_reply->status = 405;
	} else if (strcmp(request->path, "/ping") == 0) {
		reply_set_pong(ret_reply);
	} else if (strcmp(request->path, "/slow") == 0) {
		reply_set_pong(ret_reply);
		ret_reply->wait_ms = query_number(query, "ms");
	} else if (strcmp(request->path, "/bytes") == 0) {
		ret_reply->body_len = (size_t)query_number(query, "n");
	} else if (strcmp(request->path, "/chunks") == 0) {
		ret_reply->chunked = true;
		ret_reply->chunks_left = query_number(query, "n");
		ret_reply->chunk_ms = query_number(query, "ms");
	} else if (strcmp(request->path, "/child") == 0) {
		reply_set_child(ret_reply, query);
	} else {
		ret_reply->status = 404;
	}
}
