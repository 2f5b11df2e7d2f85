/* SPDX-License-Identifier: MIT */
/* Owns the one door through which the wrappers of read, write, SSL_read, SSL_write and their like show what they move:
 * it is noted in the record of exchanges, and, while the process drains, shown to what follows the connection. */
#ifndef OCTOPUS_OBSERVE_H
#define OCTOPUS_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "http/announce.h"

/* True if FD is a connection that is followed in the clear: what the server writes to it goes out by observe_send().
 * Context: any. */
bool observe_is_followed(int fd);

/* After a call that read into the COUNT parts, and not a peek (MSG_PEEK, recv(2)): shows what it read. RESULT is the
 * call's, and what these return. Context: any. */
ssize_t observe_received(int fd, const struct iovec *parts, int count, ssize_t result);

/* The same where nobody has seen the bytes: they are no request that could be read again. Context: any. */
void observe_received_unseen(int fd, ssize_t result);

/* After a call that wrote the COUNT parts to FD, which was not followed when the call began. Context: any. */
ssize_t observe_sent(int fd, const struct iovec *parts, int count, ssize_t result);

/* Writes to a connection that is followed, as sendmsg(2) does with FLAGS, and shows it. Context: any. */
ssize_t observe_send(int fd, const struct iovec *parts, int count, int flags);

/* After sendfile(2), splice(2) or their like. Context: any. */
ssize_t observe_sent_file(int fd, ssize_t result);

/* A TLS library shows FD's bytes from now on, by the next three. Context: any. */
void observe_tls(int fd);
void observe_received_tls(int fd, const void *bytes, size_t size);
ssize_t observe_sent_file_tls(int fd, ssize_t result);

/* Has the TLS library write BYTES by PUT, or what becomes of them while the connection is followed. Returns what PUT
 * would have: how many of the SIZE bytes were taken, or 0 or less. Context: normal. */
int observe_send_tls(int fd, const void *bytes, int size, bool has_more, announce_put *put,
                     void *context);

#endif
