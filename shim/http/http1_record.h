/* SPDX-License-Identifier: MIT */
/* Owns the reading of an exchange's record (exchange.h) as HTTP/1.x: where a connection stands that
 * nobody has followed until now. Pure. */
#ifndef OCTOPUS_HTTP1_RECORD_H
#define OCTOPUS_HTTP1_RECORD_H

#include "http/exchange.h"
#include "http/http1.h"

/* Sets *ret_http1 as if it had followed the connection from the start. Returns HTTP_UNKNOWN, and
 * gives *ret_http1 up, for a record that is not HTTP/1.x or does not hold enough. A chunked
 * response that is too long is HTTP_UNDER_WAY or HTTP_BETWEEN nevertheless, by its last bytes.
 * Context: any. */
enum http_state http1_record_read(const struct exchange_record *record, struct http1 *ret_http1);

#endif
