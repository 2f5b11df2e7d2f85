/* SPDX-License-Identifier: MIT */
/* Owns the record of each connection's last exchange: what the server last did with the descriptor,
 * and how its last request and response began. The wrappers of read, write and their like keep it
 * in a process that listens, because the kernel knows too little. TCP_INFO says when bytes came and
 * went, but only to a tick of up to 10 ms, which may hold both a fast answer and the next request.
 * It cannot say whether a response is complete.
 *
 * The wrappers look at how long the messages of an exchange are (http1_record.h), because the next
 * one must begin where this one ends; the drain does the rest (follow.h). The
 * kernel keeps no times for unix sockets, so they are recorded here when the process listens on
 * one. */
#ifndef OCTOPUS_EXCHANGE_H
#define OCTOPUS_EXCHANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/brief_lock.h"
#include "base/clock.h"
#include "http/http1_record.h"

/* What the wrappers last saw the server do on the connection. */
enum last_io {
	IO_NONE,     /* nothing: a new connection, or one that the server uses by other calls */
	IO_RECEIVED, /* it read a request, or a part of one, and has not answered */
	IO_SENT,     /* it wrote, and has read nothing since */
	IO_TUNNELED, /* it agreed to another protocol (HTTP status 101) */
};

/* Where a descriptor comes from. */
enum exchange_origin {
	EXCHANGE_UNKNOWN,  /* it may be anything */
	EXCHANGE_ACCEPTED, /* accept() returned it, here or in a parent */
	EXCHANGE_SOCKET, /* another stream socket, a duplicate, or passed by a process (unix(7)) */
};

/* Which call may be noted in few instructions: the first of its side, on a plain connection. */
enum exchange_usual { USUAL_NEITHER, USUAL_READ, USUAL_WRITE };

struct exchange {
	_Atomic uint32_t changes; /* of the record; odd while a thread changes it */
	_Atomic uint8_t last_io;  /* enum last_io */
	_Atomic uint8_t usual;    /* enum exchange_usual */
	_Atomic uint8_t is_tls;   /* the TLS library's wrappers see the plain bytes */
	_Atomic bool is_ended;    /* the drain has shut its reading side down */
	_Atomic uint8_t origin;   /* enum exchange_origin */
	_Atomic bool is_plain;    /* neither TLS nor a tunnel, and without times */
	bool is_whole;            /* the controller's: all this is about SOCKET */
	brief_lock lock;          /* of the record */
	/* by exchange_now_ms(); 0: not recorded */
	_Atomic uint32_t received_ms, sent_ms;
	/* All bytes that the wrappers saw, modulo 2^32. They tell whether all this is about the
	 * socket that has the number now (record_check.h). */
	_Atomic uint32_t received_bytes, sent_bytes;
	/* The controller's own, in a drain: the socket that it last found under this number
	 * (socket_identity.h). */
	uint64_t socket;
	struct exchange_record record;
} __attribute__((aligned(64)));

/* Each entry belongs to the threads that use its descriptor. */
extern struct exchanges {
	struct exchange *entries; /* by descriptor */
	_Atomic int count;        /* of entries that are memory; 0 until exchange_begin() */
	int most;                 /* of entries that may become memory */
	_Atomic bool has_times;
} exchanges;

/* Starts the recording; WITH_TIMES also of times. The entries take 2 KiB for each number up to the
 * highest that was a connection's at one time; the kernel gets the memory back when the connections
 * have ended, in pieces of 128 KiB. No core dump has it. Context: any. */
void exchange_begin(bool with_times);

/* Monotonic milliseconds, never 0. Context: any. */
static inline uint32_t exchange_now_ms(void)
{
	const uint32_t ms = (uint32_t)(clock_coarse_now_ns() / NS_PER_MS);

	return ms ? ms : 1;
}

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

/* Whether accept() returned FD, and whether it is known to be a socket. Context: any. */
static inline bool exchange_is_accepted(int fd)
{
	const struct exchange *entry = exchange_of(fd);

	return entry &&
	       atomic_load_explicit(&entry->origin, memory_order_relaxed) == EXCHANGE_ACCEPTED;
}
static inline bool exchange_entry_is_socket(const struct exchange *entry)
{
	return entry &&
	       atomic_load_explicit(&entry->origin, memory_order_relaxed) != EXCHANGE_UNKNOWN;
}
static inline bool exchange_is_socket(int fd)
{
	return exchange_entry_is_socket(exchange_of(fd));
}

/* FD now means something new. Context: any. */
void exchange_begin_anew(int fd, enum exchange_origin origin);

/* The socket FD is about to mean nothing any more. What was kept of its bytes is wiped.
 * Context: any. */
void exchange_forget(int fd);

/* FD is about to mean what FROM means. Context: any. */
void exchange_replaced(int fd, int from);

/* No number from this on has an entry. Context: any. */
static inline int exchange_end(void)
{
	return atomic_load_explicit(&exchanges.count, memory_order_acquire);
}

/* The server read N bytes into IOV, or to BYTES, and not with MSG_PEEK (recv(2)). Context: any. */
void exchange_received(int fd, const struct iovec *iov, int count, size_t n);
void exchange_received_bytes(int fd, const void *bytes, size_t n);

/* The same, where FD need not be a socket: the bytes count only where it is known to be one.
 * Context: any. */
void exchange_read(int fd, const struct iovec *iov, int count, size_t n);
void exchange_read_bytes(int fd, const void *bytes, size_t n);

/* The server took N bytes that no wrapper has seen, as with splice(2). Context: any. */
void exchange_received_unseen(int fd, size_t n);

/* The server wrote N bytes of IOV. Context: any. */
void exchange_sent(int fd, const struct iovec *iov, int count, size_t n);

/* The same, where FD need not be a socket: the bytes are read only where it is known to be one, else
 * they are counted. Context: any. */
void exchange_written(int fd, const struct iovec *iov, int count, size_t n);

/* N bytes went out that are not the server's. Context: any. */
void exchange_sent_own(int fd, size_t n);

/* N bytes went out that no wrapper has seen, as with sendfile(2). Context: any. */
void exchange_sent_file(int fd, uint64_t n);

/* From now on a TLS library's wrappers show FD's plain bytes by the next three; read and write
 * record only the last I/O. exchange_is_tls() returns false if that was known, or FD has no entry.
 * Context: any. */
bool exchange_is_tls(int fd);
void exchange_received_tls(int fd, const void *bytes, size_t n);
/* BEFORE: the last I/O before the server called the library. */
void exchange_sent_tls(int fd, enum last_io before, const void *bytes, size_t n);
void exchange_sent_file_tls(int fd, uint64_t n);

/* Copies the record of FD. Returns false where there is none, or another thread is changing it.
 * *ret_changes is its version. Context: any. */
bool exchange_recall(int fd, struct exchange_record *ret_record, uint32_t *ret_changes);

#endif
