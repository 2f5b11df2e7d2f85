/* SPDX-License-Identifier: MIT */
/* Owns what the wrappers of read, write and their like note of each descriptor of a process that listens: what it
 * was last used for, and how the last request and the last response began. The kernel knows when bytes came and
 * went (TCP_INFO), but only to a tick of up to 10 ms: a server that answers faster leaves it open which came
 * last; and nothing of this tells whether a response is complete. Nothing is interpreted here but an interim
 * response: that is for the drain (farewell.c). Of a unix socket the kernel knows no times: they are noted,
 * too, where the process has such a listener. */
#ifndef OCTOPUS_TRAFFIC_H
#define OCTOPUS_TRAFFIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* What the server did last on the connection, as the wrappers saw it. */
enum last_move {
	MOVE_NONE,     /* nothing was seen: it is new, or the server has ways that we do not see */
	MOVE_RECEIVED, /* it has read: a request, or a part of one, that is not answered */
	MOVE_SENT,     /* it has written, and read nothing since */
	MOVE_TUNNELED, /* it has agreed to another protocol (HTTP status 101) */
};

/* Most heads are shorter. Of a longer one it is not known what follows. */
#define TRAFFIC_KEPT 1000
#define TRAFFIC_TAIL 5

/* What was read since the last write, or written since the last read. */
struct traffic_part {
	uint64_t total;
	uint16_t kept; /* so many of its bytes are here, the first ones */
	bool is_full;  /* there were more, which are not here */
	char bytes[TRAFFIC_KEPT];
};

enum traffic_side { TRAFFIC_NOTHING, TRAFFIC_REQUEST, TRAFFIC_RESPONSE };

/* One exchange: a request as the server has read it, and as much as it has written of its response. */
struct traffic_record {
	uint8_t side;            /* enum traffic_side: the part that is under way */
	char tail[TRAFFIC_TAIL]; /* the last bytes of the response */
	struct traffic_part request, response;
};

struct traffic_entry {
	_Atomic uint32_t changes;  /* of the record; odd while it is being changed */
	_Atomic uint8_t last_move; /* enum last_move */
	_Atomic uint8_t is_tls;    /* the bytes are shown by SSL_read and SSL_write */
	_Atomic bool is_ended;     /* its reading side, by the drain */
	_Atomic bool is_accepted;  /* it came from accept(), here or in a parent */
	/* By traffic_now_ms(); 0: not noted. */
	_Atomic uint32_t received_ms, sent_ms;
};

/* Written by the thread that listens first; the entries by whoever uses their descriptor. */
extern struct traffic {
	struct traffic_entry *entries;   /* by descriptor */
	struct traffic_record *records;  /* by descriptor, of the lower ones */
	_Atomic int count, record_count; /* 0 while nothing is noted */
	_Atomic bool has_times;
} traffic;

/* From now on moves are noted; WITH_TIMES also when. Context: normal. */
void traffic_begin(bool with_times);

/* Milliseconds, never 0. Context: any. */
uint32_t traffic_now_ms(void);

/* The entry of FD, or NULL. Context: any. */
static inline struct traffic_entry *traffic_of(int fd)
{
	return (unsigned)fd < (unsigned)atomic_load_explicit(&traffic.count, memory_order_acquire)
	               ? &traffic.entries[fd]
	               : NULL;
}

/* What the server did last on the connection of ENTRY. Context: any. */
static inline enum last_move traffic_last_move(const struct traffic_entry *entry)
{
	return (enum last_move)atomic_load_explicit(&entry->last_move, memory_order_relaxed);
}

/* The number is used anew, for what accept() gave, or for something else. Context: any. */
void traffic_begin_anew(int fd, bool is_accepted);

/* N bytes were read into IOV, not merely looked at (MSG_PEEK, recv(2)). Context: any. */
void traffic_received(int fd, const struct iovec *iov, int count, size_t n);

/* N bytes of IOV were written. Context: any. */
void traffic_sent(int fd, const struct iovec *iov, int count, size_t n);

/* N bytes went out whose content nobody has seen, as with sendfile(2). Context: any. */
void traffic_sent_file(int fd, uint64_t n);

/* From now on the bytes of FD are shown by a TLS library, by the next two: what goes through read and write is
 * only noted as a move. Returns false if that was known. Context: any. */
bool traffic_is_tls(int fd);
void traffic_received_tls(int fd, const void *bytes, size_t n);
/* BEFORE: the last move before the library was called. */
void traffic_sent_tls(int fd, enum last_move before, const void *bytes, size_t n);
void traffic_sent_file_tls(int fd, uint64_t n);

/* The record of FD as it is. Returns false where there is none, or it is just being changed.
 * *ret_changes numbers it. Context: any. */
bool traffic_recall(int fd, struct traffic_record *ret_record, uint32_t *ret_changes);

#endif
