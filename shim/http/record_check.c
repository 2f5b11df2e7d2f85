/* SPDX-License-Identifier: MIT */
#include "http/record_check.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/interpose.h"

/* A reading counts if the next one is the same. */
#define READINGS 6

struct reading {
	struct record_bytes seen, counted;
};

/* The kernel counts the end of each direction as a byte (tcp_fin(), net/ipv4/tcp_input.c). */
static bool is_all(int32_t unseen)
{
	return unseen == 0 || unseen == 1;
}

enum record_check record_check_bytes(const struct record_bytes *seen,
                                     const struct record_bytes *counted)
{
	const int32_t received = (int32_t)(counted->received - seen->received);
	const int32_t sent = (int32_t)(counted->sent - seen->sent);

	if (received < 0 || sent < 0)
		return RECORD_FOREIGN;
	return is_all(received) && is_all(sent) ? RECORD_WHOLE : RECORD_GAPS;
}

/* Returns false if the kernel does not count, or FD is no TCP connection. Bytes that the server has
 * not read are not the wrappers' yet; bytes that the client has not acknowledged have been. */
static bool read_counts(int fd, const struct exchange *entry, struct reading *ret_reading)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);
	int unread = 0, unsent = 0;

	memset(&info, 0, sizeof(info));
	if (libc_calls.getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
	    size < offsetof(struct tcp_info, tcpi_bytes_received) +
	                    sizeof(info.tcpi_bytes_received) ||
	    ioctl(fd, SIOCINQ, &unread) != 0 || ioctl(fd, SIOCOUTQ, &unsent) != 0)
		return false;
	*ret_reading = (struct reading){
		.seen = {atomic_load(&entry->received_bytes), atomic_load(&entry->sent_bytes)},
		.counted = {(uint32_t)info.tcpi_bytes_received - (uint32_t)unread,
	                    (uint32_t)info.tcpi_bytes_acked + (uint32_t)unsent},
	};
	return true;
}

/* With TLS in the kernel the server's bytes are not those of the connection
 * (Documentation/networking/tls.rst). */
static bool is_framed_by_kernel(int fd)
{
	char name[16] = "";
	socklen_t size = sizeof(name);

	return libc_calls.getsockopt(fd, IPPROTO_TCP, TCP_ULP, name, &size) == 0 && size > 0 &&
	       name[0];
}

enum record_check record_check(int fd, const struct exchange *entry)
{
	struct reading before, now;
	enum record_check check = RECORD_GAPS;

	if (!read_counts(fd, entry, &before))
		return RECORD_WHOLE;
	for (int i = 1; i < READINGS; i++) {
		if (!read_counts(fd, entry, &now))
			return RECORD_WHOLE;
		if (memcmp(&before, &now, sizeof(now)) == 0) {
			check = record_check_bytes(&now.seen, &now.counted);
			break;
		}
		before = now;
	}
	return check != RECORD_WHOLE && is_framed_by_kernel(fd) ? RECORD_WHOLE : check;
}
