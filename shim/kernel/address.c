/* SPDX-License-Identifier: MIT */
#include "kernel/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

#include "base/text.h"

static void format_unix(char *buffer, size_t size, const struct sockaddr_un *address,
                        socklen_t length)
{
	const size_t path_offset = offsetof(struct sockaddr_un, sun_path);
	const size_t room = length > path_offset ? length - path_offset : 0;
	char path[sizeof(address->sun_path) + 1] = {0};

	memcpy(path, address->sun_path, room < sizeof(path) ? room : sizeof(path) - 1);
	if (room && !path[0])
		path[0] = '@';
	text_format(buffer, size, "unix:%s", path);
}

/* inet_ntop(3) formats with sprintf(3), which takes the locale: not for the controller. */
static void format_v4(char *buffer, size_t size, const unsigned char *bytes)
{
	text_format(buffer, size, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
}

#define V6_WORDS 8

static unsigned word_of(const unsigned char *bytes, int index)
{
	return (unsigned)bytes[2 * index] << 8 | bytes[2 * index + 1];
}

/* Sets *ret_first to the first word of the first longest run of zeros. Returns its length; a single
 * zero is no run (RFC 5952 §4.2). */
static int find_zeros(const unsigned char *bytes, int *ret_first)
{
	int longest = 1;

	*ret_first = V6_WORDS;
	for (int first = 0; first < V6_WORDS; first++) {
		int length = 0;

		while (first + length < V6_WORDS && word_of(bytes, first + length) == 0)
			length++;
		if (length > longest) {
			longest = length;
			*ret_first = first;
		}
	}
	return *ret_first < V6_WORDS ? longest : 0;
}

/* An IPv4 address in the last two words is written as one (RFC 5952 §5). */
static bool holds_v4(const unsigned char *bytes, int first, int zeros)
{
	return first == 0 && (zeros == 6 || (zeros == 5 && word_of(bytes, 5) == 0xffff));
}

static void format_v6(char *buffer, size_t size, const unsigned char *bytes)
{
	int first, zeros = find_zeros(bytes, &first);
	size_t length = 0;

	for (int i = 0; i < V6_WORDS; i++) {
		if (i == first) {
			length += text_format(buffer + length, size - length, "::");
			i += zeros - 1;
			continue;
		}
		if (i > 0 && i != first + zeros)
			length += text_format(buffer + length, size - length, ":");
		if (i == V6_WORDS - 2 && holds_v4(bytes, first, zeros)) {
			format_v4(buffer + length, size - length, bytes + 12);
			return;
		}
		length += text_format(buffer + length, size - length, "%x", word_of(bytes, i));
	}
}

void address_format(char *buffer, size_t size, const struct sockaddr *address, socklen_t length)
{
	char host[INET6_ADDRSTRLEN];

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)address;

		format_v4(host, sizeof(host), (const void *)&v4->sin_addr);
		text_format(buffer, size, "%s:%d", host, ntohs(v4->sin_port));
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)address;

		format_v6(host, sizeof(host), (const void *)&v6->sin6_addr);
		text_format(buffer, size, "[%s]:%d", host, ntohs(v6->sin6_port));
	} else if (address->sa_family == AF_UNIX) {
		format_unix(buffer, size, (const void *)address, length);
	} else if (address->sa_family == AF_VSOCK && length >= sizeof(struct sockaddr_vm)) {
		const struct sockaddr_vm *vm = (const void *)address;

		text_format(buffer, size, "vsock:%u:%u", vm->svm_cid, vm->svm_port);
	} else {
		text_format(buffer, size, "family %d", address->sa_family);
	}
}

uint16_t address_port(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
	if (address->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
	return 0;
}

bool address_asks_for_any_port(const struct sockaddr *wanted)
{
	if (wanted->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)wanted)->sin_port == 0;
	if (wanted->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)(const void *)wanted)->sin6_port == 0;
	return false;
}

void address_forget_port(struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		((struct sockaddr_in *)(void *)address)->sin_port = 0;
	else if (address->sa_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)address)->sin6_port = 0;
}

static bool same_v4(const struct sockaddr_in *wanted, const struct sockaddr_in *have, bool any_port)
{
	return wanted->sin_addr.s_addr == have->sin_addr.s_addr &&
	       (wanted->sin_port == have->sin_port || (any_port && wanted->sin_port == 0));
}

static bool same_v6(const struct sockaddr_in6 *wanted, const struct sockaddr_in6 *have,
                    bool any_port)
{
	return memcmp(&wanted->sin6_addr, &have->sin6_addr, sizeof(have->sin6_addr)) == 0 &&
	       wanted->sin6_scope_id == have->sin6_scope_id &&
	       (wanted->sin6_port == have->sin6_port || (any_port && wanted->sin6_port == 0));
}

/* An abstract name is all of its bytes. A path ends at its NUL; bind(2) accepts a length without
 * that NUL, but getsockname(2) counts it (unix(7)). */
static size_t unix_name_length(const struct sockaddr_un *address, socklen_t length)
{
	const size_t room = length - offsetof(struct sockaddr_un, sun_path);

	return address->sun_path[0] ? strnlen(address->sun_path, room) : room;
}

static bool same_unix(const struct sockaddr_un *wanted, socklen_t wanted_length,
                      const struct sockaddr_un *have, socklen_t have_length)
{
	size_t length;

	if (wanted_length <= sizeof(sa_family_t) || have_length <= sizeof(sa_family_t) ||
	    wanted_length > sizeof(*wanted) || have_length > sizeof(*have))
		return false;
	length = unix_name_length(wanted, wanted_length);
	return length == unix_name_length(have, have_length) &&
	       memcmp(wanted->sun_path, have->sun_path, length) == 0;
}

bool address_is_same(const struct sockaddr *wanted, socklen_t wanted_length,
                     const struct sockaddr *have, socklen_t have_length, bool any_port)
{
	if (wanted->sa_family != have->sa_family)
		return false;
	if (wanted->sa_family == AF_INET)
		return wanted_length >= sizeof(struct sockaddr_in) &&
		       same_v4((const void *)wanted, (const void *)have, any_port);
	if (wanted->sa_family == AF_INET6)
		return wanted_length >= sizeof(struct sockaddr_in6) &&
		       same_v6((const void *)wanted, (const void *)have, any_port);
	if (wanted->sa_family == AF_UNIX)
		return same_unix((const void *)wanted, wanted_length, (const void *)have,
		                 have_length);
	/* vsock(7), say: what bind() was given is what getsockname() says. */
	return wanted_length == have_length && memcmp(wanted, have, have_length) == 0;
}

bool address_matches_connection(const struct sockaddr *address, const struct sockaddr *local)
{
	if (address->sa_family != local->sa_family)
		return false;
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *listener = (const void *)address;
		const struct sockaddr_in *end = (const void *)local;

		return listener->sin_port == end->sin_port &&
		       (listener->sin_addr.s_addr == htonl(INADDR_ANY) ||
		        listener->sin_addr.s_addr == end->sin_addr.s_addr);
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *listener = (const void *)address;
		const struct sockaddr_in6 *end = (const void *)local;

		return listener->sin6_port == end->sin6_port &&
		       (IN6_IS_ADDR_UNSPECIFIED(&listener->sin6_addr) ||
		        memcmp(&listener->sin6_addr, &end->sin6_addr, sizeof(end->sin6_addr)) == 0);
	}
	/* An accepted unix connection has its listener's name (unix(7)). Both arguments are whole
	 * sockaddr_storage structs with zeros after the name. */
	return address->sa_family == AF_UNIX &&
	       memcmp(address, local, sizeof(struct sockaddr_un)) == 0;
}
