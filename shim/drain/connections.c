/* SPDX-License-Identifier: MIT */
#include "drain/connections.h"
#include "base/interpose.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "drain/idle.h"
#include "drain/passed_ports.h"
#include "drain/quiet_listener.h"
#include "http/exchange.h"
#include "http/follow.h"
#include "http/record_check.h"
#include "kernel/address.h"
#include "kernel/listeners.h"
#include "kernel/peek.h"
#include "kernel/procfs.h"
#include "kernel/socket_identity.h"

#define LEAST_BETWEEN_SCANS_MS 20
#define MOST_BETWEEN_SCANS_MS 100
#define REST_FOR_EACH_MS 10

_Atomic int connections_watched_fd = -1;

/* A child forked for one connection has no listener to compare with. What a program was executed with is not
 * known to be a socket. */
static bool is_without_listener(int fd, const struct sockaddr *local)
{
	return exchange_is_accepted(fd) ||
	       (exchange_is_socket(fd) && passed_ports_have(address_port(local)));
}

/* A connection counts until the server closes it, even when the peer has closed its side. A reset
 * one does not (getpeername(2): ENOTCONN), nor does a listener. */
static bool is_connection(int fd)
{
	struct sockaddr_storage local, peer;
	socklen_t local_length = sizeof(local), peer_length = sizeof(peer);
	bool is = false;

	memset(&local, 0, sizeof(local));
	if (libc_calls.getsockname(fd, (void *)&local, &local_length) != 0)
		return false;
	for (int i = 0; i < quiet_listener_count() && !is; i++)
		is = address_matches_connection(quiet_listener_address(i), (const void *)&local);
	if (quiet_listener_count() == 0)
		is = is_without_listener(fd, (const void *)&local);
	return is && getpeername(fd, (void *)&peer, &peer_length) == 0;
}

static bool is_still_connection(int fd)
{
	bool is;

	peek_begin();
	is = is_connection(fd);
	peek_end();
	return is;
}

static bool find_first(int fd, void *context)
{
	if (!is_connection(fd))
		return true;
	*(int *)context = fd;
	return false;
}

static bool watch_from(int first)
{
	for (;;) {
		int found = -1;

		procfs_each_fd(first, find_first, &found);
		atomic_store(&connections_watched_fd, found);
		if (found < 0)
			return false;
		/* The server may have closed it before it was watched, without ringing the bell. */
		if (is_still_connection(found))
			return true;
		first = found + 1;
	}
}

bool connections_remain(void)
{
	const int watched = atomic_load(&connections_watched_fd);

	if (watched >= 0 && is_still_connection(watched))
		return true;
	/* Nothing new is accepted, so no connection is left among the lower numbers, unless the
	 * server moved a descriptor. Search all of them before the answer is no. */
	return (watched >= 0 && watch_from(watched + 1)) || watch_from(0);
}

/* An older kernel does not say whether any bytes came; then assume that some did. */
static void ask_tcp(int fd, struct idle_facts *facts)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (libc_calls.getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return;
	facts->received_ms = info.tcpi_last_data_recv;
	facts->sent_ms = info.tcpi_last_data_sent;
	if (size >=
	    offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
		facts->has_received = info.tcpi_bytes_received > 0;
}

static void ask_wrappers(const struct exchange *entry, struct idle_facts *facts)
{
	const uint32_t received = atomic_load(&entry->received_ms);
	const uint32_t sent = atomic_load(&entry->sent_ms);

	if (received == 0 || sent == 0)
		return;
	facts->received_ms = (int32_t)(exchange_now_ms() - received);
	facts->sent_ms = (int32_t)(exchange_now_ms() - sent);
	facts->has_received = facts->last_io != IO_NONE;
}

/* What was noted under this number may be about another connection, which had it before. */
static enum record_check check_record(int fd, uint64_t socket, struct exchange *entry)
{
	enum record_check check;

	if (entry->socket != socket) {
		entry->socket = socket;
		entry->is_whole = false;
		atomic_store(&entry->is_ended, false);
	}
	if (entry->is_whole)
		return RECORD_WHOLE;
	check = record_check(fd, entry);
	entry->is_whole = check == RECORD_WHOLE;
	return check;
}

/* Where bytes came or went that no wrapper has seen, what the wrappers saw last says nothing: the next
 * request may have been read since, or together with the one before. But another protocol stays agreed. */
static enum last_io believe_last_io(const struct exchange *entry, enum record_check check)
{
	const enum last_io noted = exchange_last_io(entry);

	if (check == RECORD_FOREIGN || (check == RECORD_GAPS && noted != IO_TUNNELED))
		return IO_NONE;
	return noted;
}

/* The record was whole at some time. Bytes may have come since that no wrapper sees. */
static bool is_still_whole(int fd, struct exchange *entry)
{
	entry->is_whole = record_check(fd, entry) == RECORD_WHOLE;
	return entry->is_whole;
}

/* A TLS library has read bytes since, which it has not shown: a part of a request, perhaps. */
static bool has_hidden_bytes(const struct exchange *entry, enum record_check check)
{
	return entry && check == RECORD_WHOLE && atomic_load(&entry->is_tls) &&
	       exchange_last_io(entry) == IO_RECEIVED;
}

static bool has_bytes(int fd, unsigned long request)
{
	int bytes = 0;

	return ioctl(fd, request, &bytes) != 0 || bytes > 0;
}

/* The order of these reads matters. 1. The unread bytes. 2. The last I/O, which shows a request
 * that came and was read after step 1. A request still unread after step 2 is safe: the server
 * reads it before it finds the end (tcp_recvmsg_locked(), net/ipv4/tcp.c). */
static void ask_all(int fd, uint64_t socket, const struct exchange *entry, enum record_check check,
                    struct idle_facts *ret_facts)
{
	*ret_facts = (struct idle_facts){
		.has_unread = has_bytes(fd, SIOCINQ),
		.has_unsent = has_bytes(fd, SIOCOUTQ),
		.has_received = true,
		.received_ms = IDLE_UNKNOWN_MS,
		.sent_ms = IDLE_UNKNOWN_MS,
	};
	ask_tcp(fd, ret_facts);
	ret_facts->http = check == RECORD_WHOLE  ? follow_state(fd, socket)
	                  : check == RECORD_GAPS ? HTTP_LOST
	                                         : HTTP_UNKNOWN;
	if (has_hidden_bytes(entry, check))
		ret_facts->http = HTTP_UNDER_WAY;
	ret_facts->last_io = entry ? believe_last_io(entry, check) : IO_NONE;
	if (entry && listeners_is_unix(fd))
		ask_wrappers(entry, ret_facts);
}

static void end_reading(int fd, struct exchange *entry)
{
	if (entry && atomic_exchange(&entry->is_ended, true))
		return;
	(void)libc_calls.shutdown(fd, SHUT_RD);
}

static void describe_peer(int fd, struct hint_peer *peer)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t length = sizeof(address);
	struct ucred process = {0};
	socklen_t process_size = sizeof(process);

	memset(&address, 0, sizeof(address));
	*peer = (struct hint_peer){.family = AF_UNIX};
	if (getpeername(fd, &address.any, &length) == 0 && address.any.sa_family != AF_UNIX)
		peer->family = address.any.sa_family;
	else if (libc_calls.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &process, &process_size) == 0)
		peer->process = (uint32_t)process.pid;
	if (peer->family == AF_INET) {
		peer->port = address.v4.sin_port;
		memcpy(peer->address, &address.v4.sin_addr, sizeof(address.v4.sin_addr));
	} else if (peer->family == AF_INET6) {
		peer->port = address.v6.sin6_port;
		memcpy(peer->address, &address.v6.sin6_addr, sizeof(address.v6.sin6_addr));
	}
}

struct scanning {
	const struct idle_graces *graces;
	struct connections_scan *scan;
};

static bool scan_one(int fd, void *context)
{
	const struct scanning *scanning = context;
	struct connections_scan *scan = scanning->scan;
	const uint64_t socket = is_connection(fd) ? socket_identity(fd) : 0;
	struct exchange *entry = exchange_of(fd);
	enum record_check check;
	struct idle_facts facts;
	int64_t in_ms;

	if (socket == 0)
		return true;
	check = entry ? check_record(fd, socket, entry) : RECORD_WHOLE;
	ask_all(fd, socket, entry, check, &facts);
	if (check == RECORD_WHOLE) {
		follow_connection(fd, socket);
		follow_say_goaway(fd, socket);
	}
	in_ms = idle_in_ms(&facts, scanning->graces);
	if (in_ms == 0 && entry && check == RECORD_WHOLE && !is_still_whole(fd, entry))
		in_ms = 1;
	if (in_ms == 0)
		end_reading(fd, entry);
	else if (in_ms < scan->next_ms)
		scan->next_ms = in_ms;
	scan->left++;
	if (scan->peer_count < HINT_PEERS)
		describe_peer(fd, &scan->peers[scan->peer_count++]);
	scan->idle += in_ms != INT64_MAX;
	return true;
}

void connections_scan(const struct idle_graces *graces, struct connections_scan *ret_scan)
{
	struct scanning scanning = {graces, ret_scan};

	*ret_scan = (struct connections_scan){.next_ms = INT64_MAX};
	procfs_each_fd(0, scan_one, &scanning);
}

int64_t connections_next_scan(const struct connections_scan *scan, int64_t begun, int64_t now)
{
	int64_t in_ms = MOST_BETWEEN_SCANS_MS;

	if (scan->next_ms < in_ms)
		in_ms = scan->next_ms < LEAST_BETWEEN_SCANS_MS ? LEAST_BETWEEN_SCANS_MS
		                                               : scan->next_ms;
	if (in_ms < (now - begun) * REST_FOR_EACH_MS)
		in_ms = (now - begun) * REST_FOR_EACH_MS;
	return now + in_ms;
}
