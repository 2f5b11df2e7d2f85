/* SPDX-License-Identifier: MIT */
/* Owns what the record of an exchange (exchange.h) says when it is read again as HTTP/1.x: where the connection
 * stands, although nobody followed it until now. Pure. */
#ifndef OCTOPUS_HTTP1_RECORD_H
#define OCTOPUS_HTTP1_RECORD_H

#include "http/exchange.h"
#include "http/http1.h"

/* Sets *ret_http1 as if it had followed the connection all along. Returns HTTP_UNKNOWN if it cannot be known
 * (*ret_http1 is then given up): it is not HTTP/1.x, or too long for the record. A response in chunks that is too
 * long is HTTP_UNDER_WAY or HTTP_BETWEEN all the same: its last bytes tell. Context: any. */
enum http_state http1_record_read(const struct exchange_record *record, struct http1 *ret_http1);

#endif
