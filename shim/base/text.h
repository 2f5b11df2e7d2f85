/* SPDX-License-Identifier: MIT */
/* Owns text without stdio: it formats into a bounded buffer and reads numbers, without lock or
 * heap. */
#ifndef OCTOPUS_TEXT_H
#define OCTOPUS_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes at most SIZE - 1 bytes and a NUL. Knows %s (NULL reads "(null)"), %.Ns (at most N bytes),
 * %d, %u, %ld, %lu, %x, %lx, %02d (zero-padded to two) and %%. Returns the length written.
 * Context: any. */
size_t text_format(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t text_format_list(char *buffer, size_t size, const char *format, va_list list);

/* Appends ITEM to TEXT, after a comma if TEXT is not empty. Adds nothing if ITEM is "". Returns
 * false, and adds nothing, if ITEM does not fit whole. Context: any. */
bool text_list(char *text, size_t size, const char *item);

/* Reads an unsigned number in BASE 10 or 16 at *AT, and sets *AT to the first byte after it.
 * Returns 0, or -EINVAL if there is no digit or the value overflows. Context: any. */
int text_read_number(const char **at, int base, uint64_t *ret_value);

#endif
