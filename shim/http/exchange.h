/* SPDX-License-Identifier: MIT */
/* Owns what the wrappers of read, write and their like note of each descriptor of a process that listens: what it
 * was last used for, and how the last request and the last response began. The kernel knows when bytes came and
 * went (TCP_INFO), but only to a tick of up to 10 ms: a server that answers faster leaves it open which came
 * last; and nothing of this tells whether a response is complete. Nothing is interpreted here but an interim
 * response: that is for the drain (follow.h). Of a unix socket the kernel knows no times: they are noted,
 * too, where the process has such a listener. */
#ifndef OCTOPUS_EXCHANGE_H
#define OCTOPUS_EXCHANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* What the server did last on the connection, as the wrappers saw it. */
enum last_io {
	IO_NONE,     /* nothing was seen: it is new, or the server has ways that we do not see */
	IO_RECEIVED, /* it has read: a request, or a part of one, that is not answered */
	IO_SENT,     /* it has written, and read nothing since */
	IO_TUNNELED, /* it has agreed to another protocol (HTTP status 101) */
};

/* Most heads are shorter. Of a longer one it is not known what follows. */
#define EXCHANGE_KEPT 1000
#define EXCHANGE_TAIL 5

/* What was read since the last write, or written since the last read. */
struct exchange_side {
	uint64_t total;
	uint16_t kept; /* so many of its bytes are here, the first ones */
	bool is_full;  /* there were more, which are not here */
	char bytes[EXCHANGE_KEPT];
};

enum exchange_turn { EXCHANGE_NOTHING, EXCHANGE_REQUEST, EXCHANGE_RESPONSE };

/* One exchange: a request as the server has read it, and as much as it has written of its response. */
struct exchange_record {
	uint8_t side;             /* enum exchange_turn: the part that is under way */
	char tail[EXCHANGE_TAIL]; /* the last bytes of the response */
	struct exchange_side request, response;
};

struct exchange {
	_Atomic uint32_t changes; /* of the record; odd while it is being changed */
	_Atomic uint8_t last_io;  /* enum last_io */
	_Atomic uint8_t is_tls;   /* the bytes are shown by SSL_read and SSL_write */
	_Atomic bool is_ended;    /* its reading side, by the drain */
	_Atomic bool is_accepted; /* it came from accept(), here or in a parent */
	/* By exchange_now_ms(); 0: not noted. */
	_Atomic uint32_t received_ms, sent_ms;
};

/* Written by the thread that listens first; the entries by whoever uses their descriptor. */
extern struct exchanges {
	struct exchange *entries;        /* by descriptor */
	struct exchange_record *records; /* by descriptor, of the lower ones */
	_Atomic int count, record_count; /* 0 while nothing is noted */
	_Atomic bool has_times;
} exchanges;

/* From now on moves are noted; WITH_TIMES also when. Context: normal. */
void exchange_begin(bool with_times);

/* Milliseconds, never 0. Context: any. */
uint32_t exchange_now_ms(void);

/* The entry of FD, or NULL. Context: any. */
static inline struct exchange *exchange_of(int fd)
{
	return (unsigned)fd < (unsigned)atomic_load_explicit(&exchanges.count, memory_order_acquire)
	               ? &exchanges.entries[fd]
	               : NULL;
}

/* What the server did last on the connection of ENTRY. Context: any. */
static inline enum last_io exchange_last_io(const struct exchange *entry)
{
	return (enum last_io)atomic_load_explicit(&entry->last_io, memory_order_relaxed);
}

/* The number is used anew, for what accept() gave, or for something else. Context: any. */
void exchange_begin_anew(int fd, bool is_accepted);

/* N bytes were read into IOV, not merely looked at (MSG_PEEK, recv(2)). Context: any. */
void exchange_received(int fd, const struct iovec *iov, int count, size_t n);

/* N bytes of IOV were written. Context: any. */
void exchange_sent(int fd, const struct iovec *iov, int count, size_t n);

/* N bytes went out whose content nobody has seen, as with sendfile(2). Context: any. */
void exchange_sent_file(int fd, uint64_t n);

/* From now on the bytes of FD are shown by a TLS library, by the next two: what goes through read and write is
 * only noted as a move. Returns false if that was known. Context: any. */
bool exchange_is_tls(int fd);
void exchange_received_tls(int fd, const void *bytes, size_t n);
/* BEFORE: the last move before the library was called. */
void exchange_sent_tls(int fd, enum last_io before, const void *bytes, size_t n);
void exchange_sent_file_tls(int fd, uint64_t n);

/* The record of FD as it is. Returns false where there is none, or it is just being changed.
 * *ret_changes numbers it. Context: any. */
bool exchange_recall(int fd, struct exchange_record *ret_record, uint32_t *ret_changes);

#endif
