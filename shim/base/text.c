/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct sink {
	char *buffer;
	size_t size;
	size_t length;
};

static void put(struct sink *sink, char c)
{
	if (sink->length + 1 < sink->size)
		sink->buffer[sink->length++] = c;
}

static void put_text(struct sink *sink, const char *text, size_t most)
{
	for (text = text ? text : "(null)"; *text && most > 0; text++, most--)
		put(sink, *text);
}

static void put_number(struct sink *sink, uint64_t value, unsigned base, int width)
{
	char digits[24];
	int count = 0;

	do
		digits[count++] = "0123456789abcdef"[value % base];
	while (value /= base);
	while (count < width && count < (int)sizeof(digits))
		digits[count++] = '0';
	while (count > 0)
		put(sink, digits[--count]);
}

static void put_signed(struct sink *sink, int64_t value, int width)
{
	if (value < 0)
		put(sink, '-');
	put_number(sink, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, width);
}

size_t text_format_list(char *buffer, size_t size, const char *format, va_list list)
{
	struct sink sink = {buffer, size, 0};

	for (; *format; format++) {
		bool is_long = false;
		int width = 0;
		uint64_t most = SIZE_MAX;

		if (*format != '%') {
			put(&sink, *format);
			continue;
		}
		format++;
		if (format[0] == '0' && format[1] == '2') {
			width = 2;
			format += 2;
		}
		if (*format == '.') {
			format++;
			(void)text_read_number(&format, 10, &most);
		}
		for (; *format == 'l'; format++)
			is_long = true;
		if (*format == 's')
			put_text(&sink, va_arg(list, const char *), most);
		else if (*format == 'd')
			put_signed(&sink, is_long ? va_arg(list, long) : va_arg(list, int), width);
		else if (*format == 'u')
			put_number(&sink,
			           is_long ? va_arg(list, unsigned long) : va_arg(list, unsigned),
			           10, width);
		else if (*format == 'x')
			put_number(&sink,
			           is_long ? va_arg(list, unsigned long) : va_arg(list, unsigned),
			           16, width);
		else if (*format)
			put(&sink, *format);
		else
			break;
	}
	if (size)
		buffer[sink.length] = '\0';
	return sink.length;
}

size_t text_format(char *buffer, size_t size, const char *format, ...)
{
	va_list list;
	size_t length;

	va_start(list, format);
	length = text_format_list(buffer, size, format, list);
	va_end(list);
	return length;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return 16;
}

bool text_list(char *text, size_t size, const char *item)
{
	const size_t length = strlen(text);

	if (!item[0])
		return true;
	if (length + 2 + strlen(item) >= size)
		return false;
	text_format(text + length, size - length, "%s%s", length ? ", " : "", item);
	return true;
}

int text_read_number(const char **at, int base, uint64_t *ret_value)
{
	const char *here = *at;
	uint64_t value = 0;

	if (digit_value(*here) >= base)
		return -EINVAL;
	for (; digit_value(*here) < base; here++) {
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_value(*here), &value))
			return -EINVAL;
	}
	*ret_value = value;
	*at = here;
	return 0;
}
