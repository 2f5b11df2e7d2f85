/* SPDX-License-Identifier: MIT */
/* Owns a quick answer to one question: how long is this HTTP/1.x message? It looks only for the ends
 * of lines and at few of the fields, because each exchange on a kept connection asks it. It knows
 * ordinary messages only. Of others, and in any doubt, it says nothing; then http1_message.h has to
 * read them byte by byte. Where both know a length, it is the same. Pure. */
#ifndef OCTOPUS_HTTP1_LENGTH_H
#define OCTOPUS_HTTP1_LENGTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the request that BYTES begin with, its content included. Only the head must be among
 * the N bytes. Returns 0 if the length is not known. Context: any. */
uint64_t http1_length_of_request(const char *bytes, size_t n);

/* The length of a response, which is final, likewise. Of one in chunks it is known if it is the N bytes.
 * IS_TO_HEAD: to a request with HEAD. Context: any. */
uint64_t http1_length_of_response(const char *bytes, size_t n, bool is_to_head);

#endif
