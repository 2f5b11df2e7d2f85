/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static const struct {
	const char *prefix;
	enum target_protocol protocol;
	bool is_tls;
} schemes[] = {
	{"http://", TARGET_HTTP, false},
	{"https://", TARGET_HTTP, true},
	{"redis://", TARGET_REDIS, false},
	{"memcached://", TARGET_MEMCACHED, false},
};

/* AUTHORITY is ADDR:PORT or [ADDR]:PORT, not terminated. */
static int address_parse(const char *authority, size_t len, struct target *target)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found;
	char text[256];

	if (len >= sizeof(text))
		return -1;
	memcpy(text, authority, len);
	text[len] = '\0';
	char *colon = strrchr(text, ':');
	if (!colon)
		return -1;
	char *host = text;
	*colon = '\0';
	if (text[0] == '[' && colon > text && colon[-1] == ']') {
		host = text + 1;
		colon[-1] = '\0';
	}
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return -1;
	memcpy(&target->address, found->ai_addr, found->ai_addrlen);
	target->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int address_set_unix(const char *path, size_t len, struct target *target)
{
	struct sockaddr_un *local = (struct sockaddr_un *)&target->address;

	if (len == 0 || len >= sizeof(local->sun_path))
		return -1;
	local->sun_family = AF_UNIX;
	memcpy(local->sun_path, path, len);
	target->address_len = sizeof(*local);
	return 0;
}

static int http_request_write(const char *host, size_t host_len, const char *path,
                              struct target *target)
{
	int len = snprintf(target->request, sizeof(target->request),
	                   "GET %s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: load\r\n%s\r\n",
	                   *path ? path : "/", (int)host_len, host,
	                   target->is_kept ? "" : "Connection: close\r\n");

	target->request_len = (size_t)len;
	return target->request_len < sizeof(target->request) ? 0 : -1;
}

/* Without -k the server is asked to end the connection, which lets us see that it does so in an
 * orderly way. */
static void command_write(struct target *target)
{
	const char *ask =
		target->protocol == TARGET_REDIS ? "PING\r\nINFO server\r\n" : "stats\r\n";

	target->request_len = (size_t)snprintf(target->request, sizeof(target->request), "%s%s",
	                                       ask, target->is_kept ? "" : "quit\r\n");
}

/* What comes before the path of a unix socket that speaks no HTTP. */
static const struct {
	const char *prefix;
	enum target_protocol protocol;
} local_schemes[] = {
	{"redis+unix:", TARGET_REDIS},
	{"memcached+unix:", TARGET_MEMCACHED},
};

static int unix_parse(const char *rest, struct target *target)
{
	const char *path = strstr(rest, ":/");

	if (!path || address_set_unix(rest, (size_t)(path - rest), target) == -1)
		return -1;
	return http_request_write("localhost", strlen("localhost"), path + 1, target);
}

int target_parse(const char *url, bool is_kept, long body_len, struct target *ret_target)
{
	*ret_target = (struct target){.is_kept = is_kept, .body_len = body_len};
	if (strncmp(url, "unix:", 5) == 0)
		return unix_parse(url + 5, ret_target);
	for (size_t i = 0; i < sizeof(local_schemes) / sizeof(local_schemes[0]); i++) {
		size_t prefix_len = strlen(local_schemes[i].prefix);
		if (strncmp(url, local_schemes[i].prefix, prefix_len) != 0)
			continue;
		ret_target->protocol = local_schemes[i].protocol;
		command_write(ret_target);
		return address_set_unix(url + prefix_len, strlen(url + prefix_len), ret_target);
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t prefix_len = strlen(schemes[i].prefix);
		if (strncmp(url, schemes[i].prefix, prefix_len) != 0)
			continue;
		const char *authority = url + prefix_len;
		size_t len = strcspn(authority, "/");
		ret_target->protocol = schemes[i].protocol;
		ret_target->is_tls = schemes[i].is_tls;
		if (address_parse(authority, len, ret_target) == -1)
			return -1;
		if (ret_target->protocol == TARGET_HTTP)
			return http_request_write(authority, len, authority + len, ret_target);
		command_write(ret_target);
		return 0;
	}
	return -1;
}
