/* SPDX-License-Identifier: MIT */
/* Text without stdio: bounded formatting and number reading that need no lock and no heap. */
#ifndef OCTOPUS_TEXT_H
#define OCTOPUS_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes at most SIZE - 1 bytes and a NUL. Knows %s (NULL reads "(null)"), %.Ns (at most N bytes), %d, %u, %ld, %lu, %x,
 * %lx, %02d (zero-padded to two) and %%. Returns the length written. Context: any. */
size_t text_format(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t text_format_list(char *buffer, size_t size, const char *format, va_list list);

/* Adds ITEM behind what TEXT lists already, after a comma; nothing if ITEM is "". Returns false, and adds nothing, where
 * there is no room for all of it. Context: any. */
bool text_list(char *text, size_t size, const char *item);

/* Reads an unsigned number in BASE 10 or 16 at *AT and moves *AT behind it. Returns 0, or -EINVAL
 * when there is no digit or the value overflows. Context: any. */
int text_read_number(const char **at, int base, uint64_t *ret_value);

#endif
