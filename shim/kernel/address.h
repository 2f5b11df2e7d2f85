/* SPDX-License-Identifier: MIT */
/* Owns the meaning of a socket address: its text for the log, and which addresses are the same.
 * Pure. */
#ifndef OCTOPUS_ADDRESS_H
#define OCTOPUS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Writes `127.0.0.1:80`, `[::1]:80`, `unix:/path` or `unix:@name`. Context: any. */
void address_format(char *buffer, size_t size, const struct sockaddr *address, socklen_t length);

/* True if family, address and port are the same; of a family that is neither IP nor unix, all bytes. If ANY_PORT, port 0 in WANTED matches any port.
 * Context: any. */
bool address_is_same(const struct sockaddr *wanted, socklen_t wanted_length,
                     const struct sockaddr *have, socklen_t have_length, bool any_port);

/* True if WANTED asks the kernel to choose the port. Context: any. */
bool address_asks_for_any_port(const struct sockaddr *wanted);

/* Returns the port, or 0 if ADDRESS is not one of IP. Context: any. */
uint16_t address_port(const struct sockaddr *address);

/* Makes ADDRESS one that asks for any port. Context: any. */
void address_forget_port(struct sockaddr *address);

/* True if a connection with the local address LOCAL came through a listener on ADDRESS.
 * Context: any. */
bool address_matches_connection(const struct sockaddr *address, const struct sockaddr *local);

#endif
