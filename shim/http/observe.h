/* SPDX-License-Identifier: MIT */
/* Owns the one door from the wrappers of read, write, SSL_read, SSL_write and their like to HTTP.
 * It records each exchange, and passes the bytes on to whatever follows the connection while the
 * process drains. */
#ifndef OCTOPUS_OBSERVE_H
#define OCTOPUS_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "http/announce.h"

/* True if FD is followed in plain text: the wrapper then writes by observe_send(). Context: any. */
bool observe_is_followed(int fd);

/* The server's call has read into the COUNT parts, and not with MSG_PEEK (recv(2)). RESULT is the
 * call's result; this returns it. Context: any. */
ssize_t observe_received(int fd, const struct iovec *parts, int count, ssize_t result);

/* The server's call has read bytes that no wrapper has seen. Stops following FD, because nobody can
 * read these bytes as a request later. Context: any. */
void observe_received_unseen(int fd, ssize_t result);

/* The server's call has written the COUNT parts to FD, which was not followed when the call began.
 * Returns RESULT. Context: any. */
ssize_t observe_sent(int fd, const struct iovec *parts, int count, ssize_t result);

/* Writes to FD, a followed connection, as sendmsg(2) does with FLAGS, and records it. Returns as
 * announce_send() does. Context: any. */
ssize_t observe_send(int fd, const struct iovec *parts, int count, int flags);

/* The server has called sendfile(2), splice(2) or their like. Returns RESULT. Context: any. */
ssize_t observe_sent_file(int fd, ssize_t result);

/* From now on a TLS library's wrappers show FD's plain bytes, by the next three. Context: any. */
void observe_tls(int fd);
void observe_received_tls(int fd, const void *bytes, size_t size);
ssize_t observe_sent_file_tls(int fd, ssize_t result);

/* Lets the TLS library write BYTES by PUT, edited if the connection is followed. Returns what PUT
 * would: how many of the SIZE bytes it took, or 0 or less. HAS_MORE: the library holds bytes that
 * the server has not read. Context: normal. */
int observe_send_tls(int fd, const void *bytes, int size, bool has_more, announce_put *put,
                     void *context);

#endif
