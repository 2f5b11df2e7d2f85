/* SPDX-License-Identifier: MIT */
/* Owns what each descriptor of a listening process was last used for: one byte by descriptor, noted by the
 * wrappers of read, write and their like. The kernel knows when bytes came and went (TCP_INFO), but only
 * to a tick of up to 10 ms: a server that answers faster leaves it open whether the last thing was a
 * request or a response. Of a unix socket it knows no times at all: they are noted, too, where the
 * process has such a listener. */
#ifndef OCTOPUS_TRAFFIC_H
#define OCTOPUS_TRAFFIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "idle.h"

struct traffic_entry {
	_Atomic uint8_t last_move; /* enum last_move */
	_Atomic uint8_t is_tls;    /* read and written through SSL_read and SSL_write */
	_Atomic bool is_ended;     /* its reading side, by the drain */
	/* By traffic_now_ms(); 0: not noted. */
	_Atomic uint32_t received_ms, sent_ms;
};

/* Written by the thread that listens first; the entries by whoever uses their descriptor. */
extern struct traffic {
	struct traffic_entry *entries; /* by descriptor */
	_Atomic int count;             /* 0 while nothing is noted */
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

static inline enum last_move traffic_last_move(const struct traffic_entry *entry)
{
	return (enum last_move)atomic_load_explicit(&entry->last_move, memory_order_relaxed);
}

static inline void traffic_note(struct traffic_entry *entry, enum last_move move,
                                _Atomic uint32_t *when)
{
	atomic_store_explicit(&entry->last_move, (uint8_t)move, memory_order_relaxed);
	if (atomic_load_explicit(&traffic.has_times, memory_order_relaxed))
		atomic_store_explicit(when, traffic_now_ms(), memory_order_relaxed);
}

/* The number is used anew. Context: any. */
static inline void traffic_begin_anew(int fd)
{
	struct traffic_entry *entry = traffic_of(fd);

	if (!entry)
		return;
	atomic_store_explicit(&entry->is_tls, false, memory_order_relaxed);
	atomic_store_explicit(&entry->is_ended, false, memory_order_relaxed);
	traffic_note(entry, MOVE_NONE, &entry->received_ms);
	traffic_note(entry, MOVE_NONE, &entry->sent_ms);
}

/* Bytes were read, not merely looked at (MSG_PEEK, recv(2)). Context: any. */
static inline void traffic_received(int fd)
{
	struct traffic_entry *entry = traffic_of(fd);

	if (entry && traffic_last_move(entry) != MOVE_TUNNELED)
		traffic_note(entry, MOVE_RECEIVED, &entry->received_ms);
}

/* BYTES are the first of SIZE that were written. An interim response (HTTP status 1xx) answers nothing; 101
 * ends HTTP on this connection. Context: any. */
static inline void traffic_sent(int fd, const void *bytes, size_t size)
{
	struct traffic_entry *entry = traffic_of(fd);
	enum last_move move = MOVE_SENT;

	if (!entry || traffic_last_move(entry) == MOVE_TUNNELED)
		return;
	if (traffic_last_move(entry) == MOVE_RECEIVED && size >= 12 &&
	    memcmp(bytes, "HTTP/1.1 1", 10) == 0)
		move = memcmp((const char *)bytes + 10, "01", 2) == 0 ? MOVE_TUNNELED
		                                                      : MOVE_RECEIVED;
	traffic_note(entry, move, &entry->sent_ms);
}

#endif
