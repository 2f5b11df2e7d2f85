/* SPDX-License-Identifier: MIT */
#include "control/complaints.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* Every setting and some descriptors. */
#define ROOM 8192

/* Written before main, or by the one thread that begins the generation. */
static struct {
	char lines[ROOM]; /* each with its '\0' */
	size_t length;
	unsigned lost;
} complaints;

void complaints_keep(const char *format, ...)
{
	const size_t room = ROOM - complaints.length;
	size_t length;
	va_list list;

	va_start(list, format);
	length = text_format_list(complaints.lines + complaints.length, room, format, list);
	va_end(list);
	if (length + 1 < room)
		complaints.length += length + 1;
	else
		complaints.lost++;
}

void complaints_log(void)
{
	const char *line = complaints.lines;
	const char *const end = line + complaints.length;

	complaints.length = 0;
	for (; line < end; line += strlen(line) + 1)
		log_error("%s", line);
	if (complaints.lost)
		log_error("There was no room for %u further complaints.", complaints.lost);
	complaints.lost = 0;
}
