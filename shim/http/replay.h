/* SPDX-License-Identifier: MIT */
/* Owns what the record of an exchange (traffic.h) says when it is read again as HTTP/1.x: where the connection
 * stands, although nobody followed it until now. Pure. */
#ifndef OCTOPUS_REPLAY_H
#define OCTOPUS_REPLAY_H

#include "http/http1.h"
#include "http/traffic.h"

/* Sets *ret_http1 as if it had followed the connection all along. Returns HTTP_UNKNOWN if it cannot be known
 * (*ret_http1 is then given up): it is not HTTP/1.x, or too long for the record. A response in chunks that is too
 * long is HTTP_UNDER_WAY or HTTP_BETWEEN all the same: its last bytes tell. Context: any. */
enum http_stand replay(const struct traffic_record *record, struct http1 *ret_http1);

#endif
