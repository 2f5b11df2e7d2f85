/* SPDX-License-Identifier: MIT */
/* Owns the question whether what the wrappers noted under a number (exchange.h) is all about the
 * connection that has the number now. A connection may come and go by ways that no wrapper sees,
 * and some of its bytes may: libc's stdio reads and writes inside itself, as do io_uring and programs
 * that call the kernel without libc. Nobody asks for each byte. Before anything is done to a
 * connection in a drain, the kernel's count of its bytes (TCP_INFO) is compared with the wrappers'. */
#ifndef OCTOPUS_RECORD_CHECK_H
#define OCTOPUS_RECORD_CHECK_H

#include <stdint.h>

#include "http/exchange.h"

enum record_check {
	RECORD_WHOLE,   /* the wrappers have seen every byte, or nobody knows better */
	RECORD_GAPS,    /* they have not */
	RECORD_FOREIGN, /* they have seen more than this socket ever carried: it was another one */
};

/* Bytes that the server has read and written, modulo 2^32. */
struct record_bytes {
	uint32_t received, sent;
};

/* Compares what the wrappers have SEEN with what the kernel has COUNTED. Context: any. */
enum record_check record_check_bytes(const struct record_bytes *seen,
                                     const struct record_bytes *counted);

/* Compares ENTRY with the connection FD. While bytes move, the answer is RECORD_GAPS. May change
 * errno. Context: any. */
enum record_check record_check(int fd, const struct exchange *entry);

#endif
