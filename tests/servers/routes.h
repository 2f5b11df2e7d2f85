/* SPDX-License-Identifier: MIT */
/* Owns the endpoints of the example servers. */
#ifndef TESTS_SERVERS_ROUTES_H
#define TESTS_SERVERS_ROUTES_H

#include "http.h"

/* Prepares the reply to REQUEST; the caller ends it with http_reply_end(). /child runs its
 * command before this returns, so it is meant for servers with a thread per connection. */
void routes_reply(const struct http_request *request, struct http_reply *ret_reply);

/* The reply of the minimal servers: `pong`, whatever was asked for. */
void routes_reply_pong(const struct http_request *request, struct http_reply *ret_reply);

#endif
