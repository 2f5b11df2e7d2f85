/* SPDX-License-Identifier: MIT */
/* Owns the record of a connection that speaks HTTP/2 (http2.h), and how a record becomes one: the client's
 * preface shows it, which no request of HTTP/1.x can be. What was kept until then are all bytes of the
 * connection. Pure. */
#ifndef OCTOPUS_HTTP2_RECORD_H
#define OCTOPUS_HTTP2_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "http/http1_record.h"

/* True if the record is one of HTTP/2, or becomes one by what it keeps. Context: any. */
bool http2_record_is(struct exchange_record *record);

/* The same, before the N bytes in IOV are noted, which the server has read, or written: some servers write their
 * SETTINGS first (node). Then the preface has to follow. Context: any. */
bool http2_record_is_by_read(struct exchange_record *record, const struct iovec *iov, int count,
                             size_t n);
bool http2_record_is_by_write(struct exchange_record *record, const struct iovec *iov, int count,
                              size_t n);

/* Of a record that is one: the server has read, or written, N bytes of IOV. Context: any. */
void http2_record_received(struct exchange_record *record, const struct iovec *iov, int count,
                           size_t n);
void http2_record_sent(struct exchange_record *record, const struct iovec *iov, int count,
                       size_t n);

/* Where the connection stands: HTTP_UNDER_WAY while a stream is open or a frame is not complete, HTTP_NO_STREAM, HTTP_UNKNOWN before the
 * client has said anything, or
 * HTTP_LOST. Context: any. */
enum http_state http2_record_state(const struct exchange_record *record);

#endif
