/* SPDX-License-Identifier: MIT */
/* Owns what a URL of the command line means: where to connect, what to ask. */
#ifndef TESTS_CLIENT_TARGET_H
#define TESTS_CLIENT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum target_protocol { TARGET_HTTP, TARGET_REDIS, TARGET_MEMCACHED };

struct target {
	enum target_protocol protocol;
	bool is_tls;
	bool is_kept; /* the connection is used for further requests */
	struct sockaddr_storage address;
	socklen_t address_len;
	long body_len; /* that each answer has to have, -1 for any */
	char request[2048];
	size_t request_len;
};

/* Understands http://A:P/path, https://A:P/path, redis://A:P, memcached://A:P (an IPv6 A in
 * brackets), unix:PATH:/path, redis+unix:PATH and memcached+unix:PATH. Returns 0, or -1 when URL is none of these. */
int target_parse(const char *url, bool is_kept, long body_len, struct target *ret_target);

#endif
